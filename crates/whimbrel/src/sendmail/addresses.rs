//! Addresses as people and programs write them on a command line and in a header.
//!
//! A name without a domain is somebody here: it goes to the server as `name@localhost`, and the server
//! knows what that is called. What never happens here: a look-up.

use super::exit::{Code, Ended};
use addr::header::{Mailbox, parse_list};
use addr::{Address, Charset, ForwardPath, Host, LocalPart, ReversePath};

/// What stands behind names without a domain.
const HERE: &str = "localhost";

/// All addresses of one word or field.
pub fn recipients(text: &[u8]) -> Result<Vec<ForwardPath>, Ended> {
    let wrong = || {
        let shown = String::from_utf8_lossy(text);
        Ended::new(
            Code::Data,
            format!("cannot read the address {}", shown.trim()),
        )
    };
    let all = addresses(text).ok_or_else(wrong)?;
    Ok(all.into_iter().map(ForwardPath::Address).collect())
}

/// None if one of them cannot be read.
fn addresses(text: &[u8]) -> Option<Vec<Address>> {
    let list = parse_list(text);
    if list.trouble.is_none() {
        return list.mailboxes().map(Mailbox::address).collect();
    }
    // names without a domain are no addresses to those who read headers
    pieces(text).map(one).collect()
}

/// One address, or a name here: `Jane <jane>`, `root (Cron)`, `root`.
fn one(piece: &[u8]) -> Option<Address> {
    let list = parse_list(piece);
    let mut read = list.mailboxes().map(Mailbox::address);
    if let (None, Some(Some(address)), None) = (list.trouble, read.next(), read.next()) {
        return Some(address);
    }
    let text = std::str::from_utf8(piece).ok()?.trim();
    let text = match text.split_once('<') {
        Some((_, inner)) => inner.strip_suffix('>')?,
        None => text.split('(').next().unwrap_or_default().trim(),
    };
    // a backslash once meant: whatever aliases say
    let name = text.strip_prefix('\\').unwrap_or(text);
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_name = !name.is_empty() && !name.starts_with(['|', '/']) && name.chars().all(is_letter);
    is_name.then(|| here(name))?
}

/// Between the commas that are neither in quotes nor in a comment; a group is no piece.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut depth) = (false, 0_usize);
    let pieces = text.split(move |octet| {
        match octet {
            b'"' => is_quoted = !is_quoted,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        *octet == b',' && !is_quoted && depth == 0
    });
    pieces.filter(|piece| !piece.trim_ascii().is_empty())
}

/// The sender; `<>` and nothing at all are nobody.
pub fn sender(text: &str) -> Result<ReversePath, Ended> {
    if matches!(text.trim(), "" | "<>") {
        return Ok(ReversePath::Null);
    }
    let wrong = || Ended::new(Code::Usage, format!("cannot read the sender {text}"));
    let one = one(text.as_bytes()).ok_or_else(wrong)?;
    Ok(ReversePath::Address(one))
}

/// Somebody here.
pub fn here(name: &str) -> Option<Address> {
    let local = LocalPart::from_content(name).ok()?;
    let host = Host::parse(HERE.as_bytes(), Charset::Ascii).ok()?;
    Address::new(local, host).ok()
}

/// As it is to be shown in a header: a name here stands alone.
pub fn shown(path: &ReversePath) -> Option<String> {
    let address = path.address()?;
    let is_here = address
        .domain()
        .is_some_and(|domain| domain.as_str() == HERE);
    Some(match is_here {
        true => address.local().to_string(),
        false => address.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match recipients(text.as_bytes()) {
            Ok(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                all.join(" ")
            }
            Err(ended) => ended.code.number().to_string(),
        }
    }

    #[test]
    fn names_here_and_addresses_elsewhere() {
        assert_eq!(read("root"), "<root@localhost>");
        assert_eq!(
            read("\\root, Jane <j@x.test>, \"Doe, J\" <jane>, root (Cron, x)"),
            "<root@localhost> <j@x.test> <jane@localhost> <root@localhost>"
        );
        assert_eq!(read("|/bin/x"), "65");
        assert_eq!(read("a@x.test,b"), "<a@x.test> <b@localhost>");
        assert_eq!(read("a@"), "65");
        assert_eq!(read("<a@x.test"), "65");
    }

    #[test]
    fn senders() {
        assert_eq!(sender("").unwrap(), ReversePath::Null);
        assert_eq!(sender("<>").unwrap(), ReversePath::Null);
        assert_eq!(sender("jane").unwrap().to_string(), "<jane@localhost>");
        assert_eq!(shown(&sender("jane").unwrap()).unwrap(), "jane");
        assert_eq!(sender("a@x.test").unwrap().to_string(), "<a@x.test>");
        assert!(sender("a@x.test, b@x.test").is_err());
    }
}
