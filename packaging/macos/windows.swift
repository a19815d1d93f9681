// Prints what a process shows on the screen, as JSON: the layer of each window (0: a window, 25: in the menu bar), place and size.
// usage: swift windows.swift PID     Needs no permission: titles and contents are not asked for.
import CoreGraphics
import Foundation

let wanted = Int(CommandLine.arguments[1]) ?? 0
let all = CGWindowListCopyWindowInfo([.optionOnScreenOnly], kCGNullWindowID) as? [[String: Any]] ?? []
let shown = all.filter { $0[kCGWindowOwnerPID as String] as? Int == wanted }.map { window -> [String: Int] in
    let bounds = window[kCGWindowBounds as String] as? [String: Double] ?? [:]
    return [
        "layer": window[kCGWindowLayer as String] as? Int ?? -1,
        "x": Int(bounds["X"] ?? 0), "y": Int(bounds["Y"] ?? 0),
        "width": Int(bounds["Width"] ?? 0), "height": Int(bounds["Height"] ?? 0),
    ]
}
print(String(data: try JSONSerialization.data(withJSONObject: shown), encoding: .utf8)!)
