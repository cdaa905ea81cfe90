//! An account's table of keywords: a number for each name, first spelling kept.

use crate::codec::{Look, damaged};
use crate::flags::{Flags, Keyword};
use crate::keys;
use crate::state::FlagSet;
use std::collections::HashMap;
use store::Fault;

/// All keywords of an account. Numbers are given from 0 without gaps and never taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keywords {
    names: Vec<Keyword>,
    /// By name in lower case.
    numbers: HashMap<String, u16>,
}

impl Keywords {
    pub fn load(look: &impl Look) -> Result<Self, Fault> {
        let mut table = Self::default();
        for row in look.below(keys::KEYWORDS) {
            let (key, value) = row?;
            let name = std::str::from_utf8(&value).ok().and_then(Keyword::new);
            table.push(name.ok_or_else(|| damaged("a keyword", &key))?);
        }
        Ok(table)
    }
    fn push(&mut self, name: Keyword) -> u16 {
        let number = self.names.len() as u16;
        self.numbers
            .insert(name.as_str().to_ascii_lowercase(), number);
        self.names.push(name);
        number
    }
    pub fn names(&self) -> &[Keyword] {
        &self.names
    }
    pub fn number(&self, keyword: &Keyword) -> Option<u16> {
        self.numbers
            .get(&keyword.as_str().to_ascii_lowercase())
            .copied()
    }
    /// The number of a keyword, new if need be; `None` when the account has its full.
    pub fn number_or_new(&mut self, keyword: &Keyword, limit: u16) -> Option<u16> {
        match self.number(keyword) {
            Some(number) => Some(number),
            None if self.names.len() < usize::from(limit) => Some(self.push(keyword.clone())),
            None => None,
        }
    }
    /// As `flags`, with a table that is read when the first keyword asks for it.
    pub fn flags_by(
        table: &mut Option<Self>,
        look: &impl Look,
        set: &FlagSet,
    ) -> Result<Flags, Fault> {
        if set.keywords.is_empty() {
            return Ok(Flags::system(set.system));
        }
        let known = match table.take() {
            Some(known) => known,
            None => Self::load(look)?,
        };
        Ok(table.insert(known).flags(set))
    }
    pub fn flags(&self, set: &FlagSet) -> Flags {
        let keyword = |n: &u16| self.names.get(usize::from(*n)).cloned();
        Flags {
            system: set.system,
            keywords: set.keywords.iter().filter_map(keyword).collect(),
        }
    }
}
