//! Passwords that attackers try first: those of the public lists, the season with the year, the
//! name of the account or of its domain, one key again and again.
//!
//! Spraying tries a few such passwords at many accounts, so delays at one account do not stop it
//! [rfc9051 11.7]. What never happens here: a look at a hash, a judgement on any other password.

use addr::{Address, Domain};

/// What stands around a word of the lists, such as `123` or `2026!`.
const DECORATION_CHARS: usize = 6;
/// Digits alone, or two keys in turn, are guessed up to this length.
const DULL_CHARS: usize = 12;
/// A shorter label of a domain is part of many a good password's beginning.
const LABEL_CHARS: usize = 3;

/// Whole passwords that the rules below do not find.
const WHOLE: &[&str] = &[
    "!@#$%^&*",
    "123qwe",
    "123qweasd",
    "18atcskd2w",
    "1q2w3e",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx",
    "1qaz2wsx3edc",
    "1qazxsw2",
    "2wsx3edc",
    "3rjs1la7qe",
    "a1b2c3",
    "a1b2c3d4",
    "g_czechout",
    "gfhjkm",
    "h4x0r",
    "q1w2e3",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qaz123wsx",
    "qwe123",
    "qwe123qwe",
    "zaq12wsx",
    "zaq1zaq1",
    "zaq1xsw2",
];

/// Words that stand alone or with a decoration, in lower case and in letters.
const WORDS: &[&str] = &[
    "aa",
    "aaron",
    "abc",
    "abcd",
    "abcde",
    "abcdef",
    "abcdefg",
    "abcdefgh",
    "access",
    "account",
    "admin",
    "administrator",
    "adobe",
    "alexander",
    "alpha",
    "amanda",
    "andrea",
    "andrew",
    "angel",
    "anthony",
    "apple",
    "april",
    "asdf",
    "asdfasdf",
    "asdfg",
    "asdfgh",
    "asdfghjk",
    "asdfghjkl",
    "ashley",
    "asshole",
    "august",
    "autumn",
    "azerty",
    "azertyuiop",
    "babygirl",
    "backup",
    "bailey",
    "banana",
    "barcelona",
    "baseball",
    "basketball",
    "batman",
    "beer",
    "berlin",
    "bigdaddy",
    "biteme",
    "blink",
    "bonjour",
    "brandon",
    "buster",
    "butterfly",
    "carlos",
    "changeit",
    "changeme",
    "changemenow",
    "changethis",
    "charlie",
    "cheese",
    "chelsea",
    "chocolate",
    "christmas",
    "cisco",
    "classic",
    "company",
    "computer",
    "cookie",
    "corona",
    "covid",
    "daniel",
    "database",
    "december",
    "default",
    "demo",
    "dragon",
    "eagle",
    "einfach",
    "eminem",
    "example",
    "fall",
    "february",
    "ferrari",
    "finance",
    "flower",
    "foobar",
    "football",
    "freedom",
    "friday",
    "fuckme",
    "fuckoff",
    "fuckyou",
    "fussball",
    "gandalf",
    "george",
    "ginger",
    "google",
    "guest",
    "hallo",
    "hallowelt",
    "hannah",
    "harley",
    "hello",
    "helloworld",
    "herbst",
    "hockey",
    "hunter",
    "iloveu",
    "iloveyou",
    "internet",
    "january",
    "jasmine",
    "jennifer",
    "jessica",
    "jesus",
    "jordan",
    "joshua",
    "july",
    "june",
    "juni",
    "juli",
    "justin",
    "kennwort",
    "killer",
    "letmein",
    "liverpool",
    "login",
    "london",
    "love",
    "lovely",
    "loveme",
    "lucky",
    "maggie",
    "mail",
    "mailserver",
    "manager",
    "march",
    "maria",
    "marina",
    "martin",
    "master",
    "matrix",
    "matthew",
    "mercedes",
    "michael",
    "michelle",
    "microsoft",
    "minecraft",
    "monday",
    "monkey",
    "monster",
    "mustang",
    "mypassword",
    "mypass",
    "mysql",
    "naruto",
    "newpass",
    "newpassword",
    "nicole",
    "ninja",
    "nothing",
    "november",
    "october",
    "office",
    "operator",
    "oracle",
    "orange",
    "parola",
    "pass",
    "passpass",
    "passw",
    "passwd",
    "passwort",
    "password",
    "passwordpassword",
    "pepper",
    "phoenix",
    "pokemon",
    "postmaster",
    "princess",
    "private",
    "public",
    "purple",
    "qazwsx",
    "qazwsxedc",
    "qwer",
    "qwert",
    "qwertasdf",
    "qwerty",
    "qwertyu",
    "qwertyui",
    "qwertyuiop",
    "qwertz",
    "qwertzuiop",
    "qweasd",
    "qweasdzxc",
    "qweqwe",
    "raspberry",
    "robert",
    "root",
    "samantha",
    "samsung",
    "samurai",
    "saturday",
    "schalke",
    "schatz",
    "secret",
    "security",
    "september",
    "server",
    "service",
    "shadow",
    "silver",
    "slipknot",
    "snoopy",
    "soccer",
    "sommer",
    "spring",
    "starwars",
    "start",
    "summer",
    "sunday",
    "sunshine",
    "super",
    "superman",
    "support",
    "sweet",
    "system",
    "target",
    "taylor",
    "temp",
    "temporary",
    "test",
    "tester",
    "testing",
    "testtest",
    "thomas",
    "thunder",
    "thursday",
    "tigger",
    "time",
    "tinkle",
    "toor",
    "trustnoone",
    "tuesday",
    "user",
    "username",
    "vagrant",
    "victoria",
    "wednesday",
    "welcome",
    "whatever",
    "whimbrel",
    "willkommen",
    "winter",
    "yankees",
    "zinch",
    "zxcvb",
    "zxcvbn",
    "zxcvbnm",
];

/// Whether it is among those tried first at this account.
pub(super) fn is_well_known(password: &[u8], account: &Address) -> bool {
    let Ok(text) = std::str::from_utf8(password) else {
        return false;
    };
    let text = text.trim().to_lowercase();
    is_dull(&text) || WHOLE.contains(&text.as_str()) || is_name(&text, account) || is_word(&text)
}

/// Few different keys, digits alone, or keys in the order of the alphabet.
fn is_dull(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() > DULL_CHARS {
        return letters.iter().all(|c| Some(c) == letters.first());
    }
    let mut different = letters.clone();
    different.sort_unstable();
    different.dedup();
    let in_order = |up: u32| {
        letters
            .windows(2)
            .all(|pair| u32::from(pair[1 - up as usize]) + 1 == u32::from(pair[up as usize]))
    };
    different.len() <= 2 || letters.iter().all(char::is_ascii_digit) || in_order(1) || in_order(0)
}

/// A word of the list, perhaps with other signs for letters, and with a decoration.
fn is_word(text: &str) -> bool {
    let known = |word: &str| WORDS.contains(&word) || WORDS.contains(&in_letters(word).as_str());
    known(text) || undecorated(text).is_some_and(known)
}

/// The address, its parts and the labels of its domain, as they are or with a decoration.
fn is_name(text: &str, account: &Address) -> bool {
    let local = account.local().as_str().to_lowercase();
    let domain = account.domain().map(Domain::to_unicode).unwrap_or_default();
    let domain = domain.to_lowercase();
    let names = |word: &str| {
        let is_label = domain
            .split('.')
            .any(|label| label.chars().count() >= LABEL_CHARS && label == word);
        word == local || word == domain || word == format!("{local}@{domain}") || is_label
    };
    names(text) || undecorated(text).is_some_and(names)
}

/// What is left without digits and signs around it, if these are few.
fn undecorated(text: &str) -> Option<&str> {
    // `@` and `$` stand for letters where letters come behind them.
    let core = text.trim_matches(|c: char| !c.is_alphabetic());
    let around = text.chars().count() - core.chars().count();
    (!core.is_empty() && around <= DECORATION_CHARS).then_some(core)
}

/// `p@ssw0rd` is `password`.
fn in_letters(word: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    word.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known(password: &str) -> bool {
        let account = "ann.lee@example.org".parse().expect("an address");
        is_well_known(password.as_bytes(), &account)
    }

    #[test]
    fn knows_what_sprayers_try() {
        // [rfc9051 11.7]
        for password in [
            "password",
            "Password1",
            "P@ssw0rd!",
            "pa$$word123",
            "passw0rd",
            "123456",
            "1234567890",
            "changeme",
            "ChangeMe!",
            "letmein",
            "Summer2026!",
            "Winter25",
            "qwerty123",
            "1q2w3e4r",
            "abc123",
            "iloveyou",
            "aaaaaaaa",
            "ababab",
            "abcdefgh",
            "87654321",
            "admin@123",
            "Welcome1",
            "secret",
            "19840112",
            "aaaaaaaaaaaaaaaaaaaa",
            " password ",
            "Whimbrel1",
        ] {
            assert!(is_known(password), "{password}");
        }
    }

    #[test]
    fn knows_the_names_of_the_account() {
        for password in [
            "ann.lee",
            "Ann.Lee1",
            "ann.lee@example.org",
            "example.org",
            "example",
            "Example2026!",
        ] {
            assert!(is_known(password), "{password}");
        }
    }

    #[test]
    fn lets_others_be() {
        for password in [
            "correct horse battery staple",
            "summer in the city was hot",
            "xkQ7vN2pLw9sTbRd",
            "password8391754203",
            "org-chart-lemonade",
            "annlee-rides-a-bike",
            "Grüße aus Köln",
            "k0mpl1ziert-und-lang",
        ] {
            assert!(!is_known(password), "{password}");
        }
        let account = "ann.lee@example.org".parse().expect("an address");
        assert!(!is_well_known(b"\xff\xfe\xff\xfe", &account));
    }
}
