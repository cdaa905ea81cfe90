//! Arguments of SEARCH. Never here: how it is answered; strings stay as they were sent.

use crate::command::{Command, Ids};
use crate::cursor::{Cursor, Parsed};
use crate::date::Date;
use crate::flag::Keyword;
use crate::limits;
use crate::object_id::ObjectId;
use crate::parse::fetch::header_field;
use crate::refusal::What;
use crate::search::{ReturnOption, Search, SearchKey};

/// `search = "SEARCH" [search-return-opts] [SP "CHARSET" SP astring] 1*(SP search-key)`
pub(super) fn search(c: &mut Cursor<'_>, ids: Ids) -> Parsed<Command> {
    c.sp()?;
    let mut program = Program { keys: 0 };
    let mut start = c.at();
    let mut word = key_word(c);
    let (mut returns, mut charset) = (None, None);
    if word == "RETURN" {
        c.sp()?;
        returns = Some(return_options(c)?);
        c.sp()?;
        start = c.at();
        word = key_word(c);
    }
    if word == "CHARSET" {
        c.sp()?;
        charset = Some(c.astring_text("a charset")?);
        c.sp()?;
        start = c.at();
        word = key_word(c);
    }
    let mut keys = vec![program.key_after(c, word, start, 0)?];
    while c.sp_and_more() {
        keys.push(program.key(c, 0)?);
    }
    Ok(Command::Search(Search {
        ids,
        returns,
        charset,
        key: one_or_and(keys),
    }))
}

/// `search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"` [rfc4466 2.6.1],
/// `search-return-opt = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"` [rfc4731 4] [rfc5182 3]
fn return_options(c: &mut Cursor<'_>) -> Parsed<Vec<ReturnOption>> {
    let mut options = Vec::new();
    c.list("return options", limits::RETURN_OPTIONS, |c| {
        let start = c.at();
        let option = match c.atom("a return option")?.to_ascii_uppercase().as_str() {
            "MIN" => Some(ReturnOption::Min),
            "MAX" => Some(ReturnOption::Max),
            "ALL" => Some(ReturnOption::All),
            "COUNT" => Some(ReturnOption::Count),
            "SAVE" => Some(ReturnOption::Save),
            _ => None,
        };
        let option = c.or_refuse(
            option,
            What::Expected("MIN, MAX, ALL, COUNT or SAVE"),
            start,
        )?;
        if !options.contains(&option) {
            options.push(option);
        }
        Ok(())
    })?;
    Ok(options)
}

fn one_or_and(mut keys: Vec<SearchKey>) -> SearchKey {
    match (keys.len(), keys.pop()) {
        (1, Some(key)) => key,
        (_, last) => SearchKey::And(keys.into_iter().chain(last).collect()),
    }
}

fn key_word(c: &mut Cursor<'_>) -> String {
    let word = c.take_while(|octet| octet.is_ascii_alphabetic());
    String::from_utf8_lossy(word).to_ascii_uppercase()
}

/// Counts the keys of one program.
struct Program {
    keys: usize,
}

impl Program {
    fn key(&mut self, c: &mut Cursor<'_>, depth: usize) -> Parsed<SearchKey> {
        let start = c.at();
        let word = key_word(c);
        self.key_after(c, word, start, depth)
    }

    /// `search-key = "ALL" / … / sequence-set / "(" search-key *(SP search-key) ")"`, its word already read.
    fn key_after(
        &mut self,
        c: &mut Cursor<'_>,
        word: String,
        start: usize,
        depth: usize,
    ) -> Parsed<SearchKey> {
        self.keys += 1;
        if self.keys > limits::SEARCH_KEYS {
            return c.refuse(What::TooMany("search keys"));
        }
        if depth > limits::SEARCH_DEPTH {
            return c.refuse(What::TooDeep);
        }
        match word.as_str() {
            "" => self.set_or_list(c, depth),
            "NOT" => {
                c.sp()?;
                Ok(SearchKey::Not(Box::new(self.key(c, depth + 1)?)))
            }
            "OR" => {
                c.sp()?;
                let one = self.key(c, depth + 1)?;
                c.sp()?;
                Ok(SearchKey::Or(
                    Box::new(one),
                    Box::new(self.key(c, depth + 1)?),
                ))
            }
            word => match plain_key(word) {
                Some(key) => Ok(key),
                None => key_with_argument(c, word, start),
            },
        }
    }

    /// `sequence-set / "(" search-key *(SP search-key) ")"`
    fn set_or_list(&mut self, c: &mut Cursor<'_>, depth: usize) -> Parsed<SearchKey> {
        match c.peek() {
            Some(b'0'..=b'9' | b'*' | b'$') => c.message_set().map(SearchKey::Sequence),
            Some(b'(') => {
                let keys = c.list("search keys", limits::SEARCH_KEYS, |c| {
                    self.key(c, depth + 1)
                })?;
                if keys.is_empty() {
                    return c.refuse(What::Expected("a search key"));
                }
                Ok(one_or_and(keys))
            }
            _ => c.refuse(What::Expected("a search key")),
        }
    }
}

fn plain_key(word: &str) -> Option<SearchKey> {
    Some(match word {
        "ALL" => SearchKey::All,
        "ANSWERED" => SearchKey::Answered,
        "DELETED" => SearchKey::Deleted,
        "DRAFT" => SearchKey::Draft,
        "FLAGGED" => SearchKey::Flagged,
        "NEW" => SearchKey::New,
        "OLD" => SearchKey::Old,
        "RECENT" => SearchKey::Recent,
        "SEEN" => SearchKey::Seen,
        "UNANSWERED" => SearchKey::Unanswered,
        "UNDELETED" => SearchKey::Undeleted,
        "UNDRAFT" => SearchKey::Undraft,
        "UNFLAGGED" => SearchKey::Unflagged,
        "UNSEEN" => SearchKey::Unseen,
        _ => return None,
    })
}

/// `"BCC" SP astring / "BEFORE" SP date / "KEYWORD" SP flag-keyword / "LARGER" SP number / …`
fn key_with_argument(c: &mut Cursor<'_>, word: &str, start: usize) -> Parsed<SearchKey> {
    let key: fn(&mut Cursor<'_>) -> Parsed<SearchKey> = match word {
        "BCC" => |c| string(c).map(SearchKey::Bcc),
        "BODY" => |c| string(c).map(SearchKey::Body),
        "CC" => |c| string(c).map(SearchKey::Cc),
        "FROM" => |c| string(c).map(SearchKey::From),
        "SUBJECT" => |c| string(c).map(SearchKey::Subject),
        "TEXT" => |c| string(c).map(SearchKey::Text),
        "TO" => |c| string(c).map(SearchKey::To),
        "BEFORE" => |c| date(c).map(SearchKey::Before),
        "ON" => |c| date(c).map(SearchKey::On),
        "SINCE" => |c| date(c).map(SearchKey::Since),
        "SENTBEFORE" => |c| date(c).map(SearchKey::SentBefore),
        "SENTON" => |c| date(c).map(SearchKey::SentOn),
        "SENTSINCE" => |c| date(c).map(SearchKey::SentSince),
        "KEYWORD" => |c| keyword(c).map(SearchKey::Keyword),
        "UNKEYWORD" => |c| keyword(c).map(SearchKey::Unkeyword),
        "LARGER" => |c| c.number64("a size").map(SearchKey::Larger),
        "SMALLER" => |c| c.number64("a size").map(SearchKey::Smaller),
        "UID" => |c| c.message_set().map(SearchKey::Uid),
        "MODSEQ" => modseq,
        "EMAILID" => |c| object_id(c).map(SearchKey::EmailId),
        "THREADID" => |c| object_id(c).map(SearchKey::ThreadId),
        "OLDER" => |c| interval(c).map(SearchKey::Older),
        "YOUNGER" => |c| interval(c).map(SearchKey::Younger),
        "HEADER" => header,
        _ => return c.or_refuse(None, What::UnknownSearchKey, start),
    };
    c.sp()?;
    key(c)
}

fn string(c: &mut Cursor<'_>) -> Parsed<Vec<u8>> {
    c.astring("a search string")
}

/// `search-modsequence = "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer`,
/// `entry-name = DQUOTE "/flags/" attr-flag DQUOTE`, `entry-type-req = "priv" / "shared" / "all"`
/// [rfc7162 7]
fn modseq(c: &mut Cursor<'_>) -> Parsed<SearchKey> {
    if c.peek() == Some(b'"') {
        let start = c.at();
        let name = c.string("a metadata item")?;
        let is_flag = name.len() > b"/flags/".len()
            && name[..b"/flags/".len()].eq_ignore_ascii_case(b"/flags/");
        c.or_refuse(
            is_flag.then_some(()),
            What::Expected("/flags/ and a flag"),
            start,
        )?;
        c.sp()?;
        let start = c.at();
        let kind = c.atom("priv, shared or all")?.to_ascii_lowercase();
        let known = ["priv", "shared", "all"].contains(&kind.as_str());
        c.or_refuse(
            known.then_some(()),
            What::Expected("priv, shared or all"),
            start,
        )?;
        c.sp()?;
    }
    c.number64("a mod-sequence").map(SearchKey::ModSeq)
}

/// `"EMAILID" SP objectid / "THREADID" SP objectid` [rfc8474 7]
fn object_id(c: &mut Cursor<'_>) -> Parsed<ObjectId> {
    let start = c.at();
    let id = ObjectId::new(c.atom("an id")?);
    c.or_refuse(id, What::Expected("an id"), start)
}

/// `"OLDER" SP nz-number / "YOUNGER" SP nz-number` [rfc5032 4]
fn interval(c: &mut Cursor<'_>) -> Parsed<u32> {
    let start = c.at();
    let seconds = c.number64("a number of seconds")?;
    let seconds = u32::try_from(seconds).ok().filter(|&seconds| seconds != 0);
    c.or_refuse(seconds, What::Expected("a number of seconds from 1"), start)
}

/// `"HEADER" SP header-fld-name SP astring`
fn header(c: &mut Cursor<'_>) -> Parsed<SearchKey> {
    let field = header_field(c)?;
    c.sp()?;
    Ok(SearchKey::Header {
        field,
        text: string(c)?,
    })
}

/// `flag-keyword = atom`
fn keyword(c: &mut Cursor<'_>) -> Parsed<Keyword> {
    let start = c.at();
    let word = c.atom("a keyword")?;
    c.or_refuse(
        Keyword::new(word),
        What::TooMany("octets in a keyword"),
        start,
    )
}

/// `date = date-text / DQUOTE date-text DQUOTE`
fn date(c: &mut Cursor<'_>) -> Parsed<Date> {
    let start = c.at();
    let text = c.astring("a date")?;
    c.or_refuse(Date::parse(&text), What::BadDate, start)
}
