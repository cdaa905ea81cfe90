//! Reports on mail, as a program reads them: what they are about, and what they say became of it.
//!
//! What never happens here: a judgement of what was told (`laws::road`).

use crate::letter;

/// What a report says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// Its own.
    pub message_id: String,
    /// Our server's id of the message that it is about.
    pub about: String,
    /// The letter's number, from the header that comes back.
    pub letter: u64,
    /// Recipients, and the word for what became of the message for each.
    pub fates: Vec<(String, String)>,
}

const TYPE: &str = "Content-Type: multipart/report";

/// Whether it is one, by its own header.
pub fn is_report(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    head.contains(TYPE)
}

/// Whether it is about a report.
pub fn is_about_a_report(content: &[u8]) -> bool {
    String::from_utf8_lossy(content).matches(TYPE).count() > 1
}

/// None: something that every report has is not there.
pub fn read(content: &[u8]) -> Option<Report> {
    let text = String::from_utf8_lossy(content);
    let field =
        |line: &str, name: &str| line.strip_prefix(name).map(|value| value.trim().to_owned());
    let first = |name: &str| text.lines().find_map(|line| field(line, name));
    let mut fates: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(recipient) = field(line, "Final-Recipient: rfc822;") {
            fates.push((recipient, String::new()));
        }
        if let (Some(action), Some(fate)) = (field(line, "Action:"), fates.last_mut()) {
            fate.1 = action;
        }
    }
    Some(Report {
        message_id: first("Message-ID:")?,
        about: first("X-Whimbrel-Id:")?,
        letter: letter::number_of(content)?,
        fates,
    })
}
