//! Reading several bodies at once: one look at the index and one read of the log for those that lie
//! close together, as the bodies of one mailbox often do. Never here: a fault; what cannot be had
//! this way is read, and its trouble told, when it is asked for by itself.

use crate::bodies::{Bodies, Location, Shelf, entry_of};
use crate::engine::Engine;
use crate::index::NEWEST;
use crate::key;
use crate::log::{self, Place};
use crate::name::decode_value;
use crate::{BodyId, limits::READ_AHEAD_BYTES};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Bytes between two bodies that are rather read than skipped.
const GAP_BYTES: u64 = 4 * 1024;
/// So many ids for each that is wanted are rather scanned than looked up one by one.
const SCANNED_IDS: u64 = 4;

impl Engine {
    /// The bodies, whole and with their hash verified; `None`: ask for it by itself.
    pub(crate) fn read_ahead(&self, ids: &[BodyId]) -> Vec<Option<Bytes>> {
        let Bodies::Disk(shelf) = &self.bodies else {
            return vec![None; ids.len()];
        };
        let mut places: Vec<(BodyId, Location)> = self.locations(ids).into_iter().collect();
        places.retain(|(_, place)| !matches!(place.place, Place::File(_)));
        places.sort_unstable_by_key(|(_, place)| (place.log_file, place.offset));
        let mut found = BTreeMap::new();
        let mut rest = &places[..];
        while !rest.is_empty() {
            let (together, after) = rest.split_at(together(rest));
            rest = after;
            read(shelf, together, &mut found);
        }
        ids.iter().map(|id| found.get(id).cloned()).collect()
    }

    fn locations(&self, ids: &[BodyId]) -> BTreeMap<BodyId, Location> {
        let mut found = BTreeMap::new();
        let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else {
            return found;
        };
        let span = last.0 - first.0;
        if span > ids.len() as u64 * SCANNED_IDS {
            let place = |id: &BodyId| Some((*id, self.location(*id).ok()??));
            return ids.iter().filter_map(place).collect();
        }
        let (low, high) = (key::of_body(*first), key::of_body(*last));
        let rows = self
            .index
            .range(Bound::Included(low), Bound::Included(high), NEWEST);
        for row in rows {
            // After an error an iterator is not continued.
            let Ok((full_key, stored)) = row else { break };
            let place = decode_value(&full_key, stored)
                .and_then(|value| Location::decode(value.bytes().clone()));
            if let (Some(id), Some(place)) = (key::body_of(&full_key), place) {
                found.insert(id, place);
            }
        }
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        found.retain(|id, _| wanted.binary_search(id).is_ok());
        found
    }
}

/// How many of the first ones one read brings; at least one.
fn together(places: &[(BodyId, Location)]) -> usize {
    let first = &places[0].1;
    let mut end = first.offset + first.log_bytes();
    let mut count = 1;
    for (_, next) in &places[1..] {
        let next_end = next.offset + next.log_bytes();
        let is_near = next.log_file == first.log_file && next.offset <= end + GAP_BYTES;
        if !is_near || next_end - first.offset > READ_AHEAD_BYTES {
            break;
        }
        end = end.max(next_end);
        count += 1;
    }
    count
}

fn read(shelf: &Shelf, places: &[(BodyId, Location)], found: &mut BTreeMap<BodyId, Bytes>) {
    let (first, last) = (&places[0].1, &places[places.len() - 1].1);
    let bytes = last.offset + last.log_bytes() - first.offset;
    let path = log::path_of(first.log_file);
    let Ok(read) = usize::try_from(bytes).map(|bytes| shelf.read(path, first.offset, bytes)) else {
        return;
    };
    let Ok(read) = read else { return };
    for (id, place) in places {
        let entry = usize::try_from(place.log_bytes())
            .ok()
            .zip(usize::try_from(place.offset - first.offset).ok());
        let Some((bytes, from)) = entry else { continue };
        if from + bytes <= read.len()
            && let Some(body) = entry_of(*id, place, read.slice(from..from + bytes))
        {
            found.insert(*id, body);
        }
    }
}
