; The installer for Windows, of what `make freeze` has put into dist\t3tray. Compile it there with Inno Setup 6.3 or newer:
;   iscc /DVersion=1.2.3 packaging\windows\t3tray.iss
; `make win-check` reads this file on any system.
#ifndef Version
  #error Give the version: iscc /DVersion=1.2.3 t3tray.iss
#endif

[Setup]
; Stays the same for ever: by it an installer finds the version that is installed.
AppId={{7E0C3C0B-5B6E-4C39-9C55-2B8D3F1A6D47}
AppName=t3tray
AppVersion={#Version}
AppVerName=t3tray {#Version}
AppPublisher=The t3tray authors
VersionInfoTextVersion={#Version}
; For one user, without administrator rights: {autopf} is %LOCALAPPDATA%\Programs.
PrivilegesRequired=lowest
DefaultDirName={autopf}\t3tray
DisableDirPage=yes
DisableProgramGroupPage=yes
LicenseFile=..\..\LICENSE
; Qt's oldest: Windows 10 1809.
MinVersion=10.0.17763
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
; The program creates it (t3tray\system\instance_lock.py). Installer and uninstaller ask the user to quit t3tray first.
AppMutex=org.t3tray.t3tray
SetupMutex=org.t3tray.t3tray.setup
SetupIconFile=..\..\build\t3tray.ico
UninstallDisplayIcon={app}\t3tray.exe
UninstallDisplayName=t3tray
OutputDir=..\..\dist
OutputBaseFilename=t3tray-{#Version}-windows-x64-setup
Compression=lzma2
SolidCompression=yes
WizardStyle=modern

[InstallDelete]
; A file of an older version must not stay beside the new ones.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\..\dist\t3tray\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\t3tray"; Filename: "{app}\t3tray.exe"

[Registry]
; HKA is the user's own part of the registry here.
Root: HKA; Subkey: "Software\Classes\t3tray"; ValueType: string; ValueData: "URL:t3tray"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\t3tray"; ValueType: string; ValueName: "URL Protocol"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\t3tray\shell\open\command"; ValueType: string; ValueData: """{app}\t3tray.exe"" ""%1"""

[Run]
Filename: "{app}\t3tray.exe"; Description: "Start t3tray"; Flags: nowait postinstall skipifsilent

[UninstallRun]
; Stops its server, removes the login item and its keys, and puts T3 Code's settings back. The user's data stay.
Filename: "{app}\t3trayc.exe"; Parameters: "uninstall --yes"; Flags: runhidden waituntilterminated; RunOnceId: "t3tray"
