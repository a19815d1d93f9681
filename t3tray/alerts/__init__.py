"""What the user is told without asking: switched sessions, pending requests, unread threads, notifications."""
