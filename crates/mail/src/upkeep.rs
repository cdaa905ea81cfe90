//! History expiry, sweeping of deleted mailboxes, vacuum. Never decides what mail is.
