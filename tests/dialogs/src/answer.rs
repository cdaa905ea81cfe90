//! What a client must compute before it can say it: base64, and SCRAM's proof.
//!
//! What never happens here: a check of what the server says; a step expects that.

use crate::pattern::Kept;
use crate::script::unescape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sasl::{CramKeys, Hash, ScramKeys};

/// The data of a type of channel binding on the connection that the line goes over.
pub type Binding<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// Replaces each `<base64 TEXT>`, `<cram PASSWORD USER NAME>` and `<scram HASH PASSWORD FIRST NAME>` of
/// a client's line; the last keeps what the server must say to it as `last`.
pub fn compute(text: &str, kept: &mut Kept, binding: Binding<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let end = after.find('>').unwrap_or(after.len());
        let inner = after[1..].get(..end.saturating_sub(1)).unwrap_or_default();
        let computed = match inner.split_once(' ') {
            Some(("base64", text)) => STANDARD.encode(unescape(text)?),
            Some(("apop", words)) => apop(words, kept)?,
            Some(("cram", words)) => cram(words, kept)?,
            Some(("scram", words)) => scram(words, kept, binding)?,
            _ => {
                out.push('<');
                rest = &after[1..];
                continue;
            }
        };
        out.push_str(&computed);
        rest = after.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// The digest of APOP [rfc1939 7]; NAME says under which name the stamp was kept.
fn apop(words: &str, kept: &Kept) -> Result<String, String> {
    let words: Vec<&str> = words.split(' ').collect();
    let [password, name] = words[..] else {
        return Err("<apop PASSWORD NAME>".to_owned());
    };
    let stamp = kept.get(name).ok_or("the stamp was not kept")?;
    Ok(sasl::apop_digest(stamp.as_bytes(), password.as_bytes()))
}

/// The answer of CRAM-MD5 [rfc2195 2]; NAME says under which name the challenge was kept, in base64.
fn cram(words: &str, kept: &Kept) -> Result<String, String> {
    let words: Vec<&str> = words.split(' ').collect();
    let [password, user, name] = words[..] else {
        return Err("<cram PASSWORD USER NAME>".to_owned());
    };
    let challenge = kept.get(name).ok_or("the challenge was not kept")?;
    let challenge = STANDARD.decode(challenge).map_err(|e| e.to_string())?;
    let digest = CramKeys::of_password(password.as_bytes()).digest(&challenge);
    let digest: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(STANDARD.encode(format!("{user} {digest}")))
}

/// The client's last message [rfc5802 3]. FIRST is its first one, NAME says under which name the
/// server's first one was kept, in base64.
fn scram(words: &str, kept: &mut Kept, binding: Binding<'_>) -> Result<String, String> {
    let words: Vec<&str> = words.split(' ').collect();
    let [hash, password, first, name] = words[..] else {
        return Err("<scram HASH PASSWORD FIRST NAME>".to_owned());
    };
    let hash = match hash {
        "SHA-1" => Hash::Sha1,
        "SHA-256" => Hash::Sha256,
        other => return Err(format!("no hash is called {other}")),
    };
    let server_first = kept.get(name).ok_or("the server's message was not kept")?;
    let server_first = STANDARD.decode(server_first).map_err(|e| e.to_string())?;
    let server_first = String::from_utf8(server_first).map_err(|e| e.to_string())?;
    let field = |letter: &str| {
        let found = server_first.split(',').find_map(|f| f.strip_prefix(letter));
        found.ok_or_else(|| format!("no {letter} in {server_first}"))
    };
    let salt = STANDARD.decode(field("s=")?).map_err(|e| e.to_string())?;
    let iterations = field("i=")?.parse().map_err(|_| "i= is no number")?;
    let bare_at = first.match_indices(',').nth(1).ok_or("FIRST is n,,n=…")?.0 + 1;
    let (header, bare) = first.split_at(bare_at);
    let data = match header.strip_prefix("p=").and_then(|h| h.split_once(',')) {
        Some((kind, _)) => binding(kind).ok_or_else(|| format!("there is no {kind} here"))?,
        None => Vec::new(),
    };
    let channel = STANDARD.encode([header.as_bytes(), &data].concat());
    let without_proof = format!("c={channel},r={}", field("r=")?);
    let message = format!("{bare},{server_first},{without_proof}");
    let secret = (password.as_bytes(), &salt[..], iterations);
    let (proof, signature) = ScramKeys::client_answer(hash, secret, message.as_bytes());
    let last = format!("v={}", STANDARD.encode(signature));
    kept.insert("last".to_owned(), STANDARD.encode(last));
    let proof = STANDARD.encode(proof);
    Ok(STANDARD.encode(format!("{without_proof},p={proof}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_the_standards_example_does() {
        // [rfc7677 3]
        let first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let mut kept = Kept::from([("first".to_owned(), STANDARD.encode(first))]);
        let text = "C <scram SHA-256 pencil n,,n=user,r=rOprNGfwEbeRWgbNEkqO first> <x>";
        let line = compute(text, &mut kept, &|_| None).unwrap();
        let message = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(line, format!("C {} <x>", STANDARD.encode(message)));
        let last = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(kept["last"], STANDARD.encode(last));
    }

    #[test]
    fn puts_text_into_base64() {
        let line = compute("a <base64 \\0tim\\0x> b", &mut Kept::new(), &|_| None).unwrap();
        assert_eq!(line, "a AHRpbQB4 b");
    }
}
