//! Arguments of SELECT and EXAMINE. Never here: whether the mailbox exists, and what a resync finds.

use crate::command::{Command, CondStore, Resync, SelectParams};
use crate::cursor::{Cursor, Parsed};
use crate::limits;
use crate::refusal::What;
use crate::sequence::SequenceSet;

/// `select = "SELECT" SP mailbox [select-params]` [rfc4466 2.1]
pub(super) fn select(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mailbox = c.mailbox()?;
    let params = params(c)?;
    Ok(Command::Select { mailbox, params })
}

/// `examine = "EXAMINE" SP mailbox [select-params]` [rfc4466 2.1]
pub(super) fn examine(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.sp()?;
    let mailbox = c.mailbox()?;
    let params = params(c)?;
    Ok(Command::Examine { mailbox, params })
}

/// `select-params = SP "(" select-param *(SP select-param) ")"`,
/// `select-param =/ "CONDSTORE" / "QRESYNC" SP "(" … ")"` [rfc7162 7]
fn params(c: &mut Cursor<'_>) -> Parsed<SelectParams> {
    let mut params = SelectParams::default();
    if !c.sp_and_more() {
        return Ok(params);
    }
    c.list("parameters", limits::MODIFIERS, |c| {
        let start = c.at();
        match c.atom("a parameter")?.to_ascii_uppercase().as_str() {
            "CONDSTORE" => params.condstore = CondStore::Asked,
            "QRESYNC" => {
                c.sp()?;
                params.resync = Some(resync(c)?);
            }
            _ => return c.or_refuse(None, What::Expected("CONDSTORE or QRESYNC"), start),
        }
        Ok(())
    })?;
    Ok(params)
}

/// `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"` [rfc7162 7]
fn resync(c: &mut Cursor<'_>) -> Parsed<Resync> {
    c.octet(b'(', "( after QRESYNC")?;
    let start = c.at();
    let uid_validity = u32::try_from(c.number64("UIDVALIDITY")?).ok();
    let uid_validity = uid_validity.filter(|&number| number != 0);
    let uid_validity = c.or_refuse(uid_validity, What::Expected("UIDVALIDITY"), start)?;
    c.sp()?;
    let start = c.at();
    let modseq = c.number64("a mod-sequence")?;
    let modseq = Some(modseq).filter(|&modseq| modseq != 0);
    let modseq = c.or_refuse(modseq, What::Expected("a mod-sequence from 1"), start)?;
    let mut resync = Resync {
        uid_validity,
        modseq,
        known_uids: None,
        matches: None,
    };
    let mut more = c.sp_and_more();
    if more && c.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        resync.known_uids = Some(c.plain_set()?);
        more = c.sp_and_more();
    }
    if more && c.peek() == Some(b'(') {
        resync.matches = Some(matches(c)?);
        c.sp_and_more();
    }
    c.octet(b')', ") after the parameters of QRESYNC")?;
    Ok(resync)
}

/// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"` [rfc7162 7]
fn matches(c: &mut Cursor<'_>) -> Parsed<(SequenceSet, SequenceSet)> {
    c.octet(b'(', "( before sequence numbers and UIDs")?;
    let numbers = c.plain_set()?;
    c.sp()?;
    let uids = c.plain_set()?;
    c.octet(b')', ") after sequence numbers and UIDs")?;
    Ok((numbers, uids))
}
