"""What the user is shown unasked: switched sessions, pending requests, unread threads, notifications."""
