//! What stands in a row: the messages of one stretch.
//!
//! A row's `seqs` are a function of the set alone, however it came about: while it has fewer than [`FEW`] messages, their places in the
//! stretch, of two bytes each, in order; else a bit for each message of the stretch.

use crate::fold::search::STRETCH_BITS;

pub(super) const STRETCH: i64 = 1 << STRETCH_BITS;
pub(super) const MAP_BYTES: usize = (1 << STRETCH_BITS) / 8;
pub(super) const FEW: usize = MAP_BYTES / 2;

/// The stretch that a message is in.
pub(in crate::sqlite) const fn stretch(seq: i64) -> i64 {
    seq >> STRETCH_BITS
}

/// The first place of a stretch.
pub(in crate::sqlite) const fn first(stretch: i64) -> i64 {
    stretch << STRETCH_BITS
}

pub(super) fn place(seq: i64) -> u16 {
    u16::try_from(seq & (STRETCH - 1)).unwrap_or_default()
}

pub(super) fn pack(places: &[u16]) -> Vec<u8> {
    if places.len() < FEW {
        return places.iter().flat_map(|place| place.to_be_bytes()).collect();
    }
    let mut map = vec![0_u8; MAP_BYTES];
    for place in places {
        map[usize::from(place >> 3)] |= 1 << (place & 7);
    }
    map
}

pub(super) fn unpack(seqs: &[u8]) -> Vec<u16> {
    if seqs.len() < MAP_BYTES {
        return seqs.as_chunks().0.iter().map(|bytes| u16::from_be_bytes(*bytes)).collect();
    }
    (0_u16..)
        .zip(seqs.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1)))
        .filter(|(_, bit)| *bit == 1)
        .map(|(place, _)| place)
        .collect()
}

/// The newest message that a row names, of those before `below`. Looks at no more of it than it must.
pub(in crate::sqlite) fn last(stretch: i64, seqs: &[u8], below: i64) -> Option<i64> {
    let end = usize::try_from(below - first(stretch)).ok()?.min(1 << STRETCH_BITS);
    let place = if seqs.len() < MAP_BYTES {
        let (places, _) = seqs.as_chunks();
        let before = places.partition_point(|bytes| usize::from(u16::from_be_bytes(*bytes)) < end);
        i64::from(u16::from_be_bytes(*places.get(before.checked_sub(1)?)?))
    } else {
        let (whole, part) = seqs.split_at(end / 8);
        let cut = part.first().map_or(0, |byte| byte & ((1 << (end % 8)) - 1));
        let byte = if cut > 0 { whole.len() } else { whole.iter().rposition(|byte| *byte > 0)? };
        let bits = if cut > 0 { cut } else { seqs[byte] };
        i64::try_from(byte * 8).ok()? + i64::from(bits.ilog2())
    };
    Some(first(stretch) | place)
}

/// How many messages a row names.
pub(in crate::sqlite) fn how_many(seqs: &[u8]) -> usize {
    if seqs.len() < MAP_BYTES { seqs.len() / 2 } else { seqs.iter().map(|byte| byte.count_ones() as usize).sum() }
}

/// Whether a row names a message of its stretch.
pub(in crate::sqlite) fn names(seqs: &[u8], seq: i64) -> bool {
    let place = place(seq);
    if seqs.len() < MAP_BYTES {
        let (places, _) = seqs.as_chunks();
        places.binary_search_by_key(&place, |bytes| u16::from_be_bytes(*bytes)).is_ok()
    } else {
        seqs[usize::from(place >> 3)] >> (place & 7) & 1 == 1
    }
}
