//! Where a token's calls came from: at most 256 rows, exact for as long as there are few addresses (domain.md §2).

use std::net::IpAddr;

use ipnet::IpNet;
use tollgate_shared::limits::SOURCES_MAX;
use tollgate_shared::time::Timestamp;

use super::Use;
use crate::core::model::SourceRecord;

/// Prefixes that an IPv4 address widens to, step by step: its /24 first; wider only where 256 networks are not enough.
const V4_STEPS: [u8; 5] = [32, 24, 16, 8, 0];

/// The same for IPv6.
const V6_STEPS: [u8; 5] = [128, 64, 48, 32, 0];

/// A source that called within this time before a rotation is expected to call again.
const EXPECTED_SECS: i64 = 30 * 86_400;

/// Notes a call, accepted or refused.
pub(super) fn note(sources: &mut Vec<SourceRecord>, by: &Use<'_>, accepted: bool) {
    let at = place(sources, by.ip).unwrap_or_else(|| {
        make_room(sources);
        place(sources, by.ip).unwrap_or_else(|| {
            sources.push(fresh(by));
            sources.len() - 1
        })
    });
    let source = &mut sources[at];
    source.last = source.last.max(by.at);
    source.calls += u64::from(accepted);
    source.refused += u64::from(!accepted);
    source.old_secret = by.seen.old_secret;
}

/// Of the sources that are expected to call: those that have used the new secret of a rotation, and all. Whoever has not
/// called since can have no other than the old one, and would go silent at the overlap's end.
pub(super) fn moved_on(sources: &[SourceRecord], since: Timestamp) -> (u32, u32) {
    let expected = sources.iter().filter(|source| source.last >= since.plus_secs(-EXPECTED_SECS));
    expected.fold((0, 0), |(new, all), source| (new + u32::from(!has_old_secret(source, Some(since))), all + 1))
}

/// Of the sources that called since `since`: those that have the old secret, and all.
pub(super) fn on_old_secret(sources: &[SourceRecord], rotated: Option<Timestamp>, since: Timestamp) -> (u32, u32) {
    let lately = sources.iter().filter(|source| source.last >= since);
    lately.fold((0, 0), |(old, all), source| (old + u32::from(has_old_secret(source, rotated)), all + 1))
}

/// Whether the source's last call had what is the old secret since a rotation.
pub(super) fn has_old_secret(source: &SourceRecord, rotated: Option<Timestamp>) -> bool {
    source.old_secret || rotated.is_some_and(|rotated| source.last < rotated)
}

fn fresh(by: &Use<'_>) -> SourceRecord {
    SourceRecord {
        net: IpNet::from(by.ip),
        merged: false,
        old_secret: by.seen.old_secret,
        first: by.at,
        last: by.at,
        calls: 0,
        refused: 0,
    }
}

/// The narrowest row that holds the address.
fn place(sources: &[SourceRecord], ip: IpAddr) -> Option<usize> {
    let holding = sources.iter().enumerate().filter(|(_, source)| source.net.contains(&ip));
    holding.max_by_key(|(_, source)| source.net.prefix_len()).map(|(at, _)| at)
}

/// Widens the least recent of the narrowest rows until a row is free.
fn make_room(sources: &mut Vec<SourceRecord>) {
    while sources.len() >= SOURCES_MAX {
        let least_recent = |source: &&SourceRecord| (step_of(source.net), source.last);
        let Some(net) = sources.iter().min_by_key(least_recent).map(|source| source.net) else { return };
        let wide = wider(net);
        let Some(at) = sources.iter().position(|source| source.net == net) else { return };
        let mut moved = sources.swap_remove(at);
        match sources.iter_mut().find(|source| source.net == wide && source.merged) {
            Some(home) => fold(home, &moved),
            None => {
                moved.net = wide;
                moved.merged = true;
                sources.push(moved);
            }
        }
    }
}

fn fold(home: &mut SourceRecord, other: &SourceRecord) {
    if other.last > home.last {
        home.old_secret = other.old_secret;
    }
    home.first = home.first.min(other.first);
    home.last = home.last.max(other.last);
    home.calls += other.calls;
    home.refused += other.refused;
}

fn steps(net: IpNet) -> [u8; 5] {
    if net.addr().is_ipv4() { V4_STEPS } else { V6_STEPS }
}

fn step_of(net: IpNet) -> usize {
    steps(net).iter().position(|prefix| *prefix <= net.prefix_len()).unwrap_or(0)
}

fn wider(net: IpNet) -> IpNet {
    let prefix = steps(net).get(step_of(net) + 1).copied().unwrap_or(0);
    IpNet::new(net.addr(), prefix).map_or(net, |net| net.trunc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::decision::Seen;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn call(sources: &mut Vec<SourceRecord>, ip: IpAddr, secs: i64, old_secret: bool) {
        let seen = Seen { old_secret, ..Seen::default() };
        note(sources, &Use { at: START.plus_secs(secs), ip, user_agent: None, seen, body_bytes: 0 }, true);
    }

    #[test]
    fn beyond_256_the_least_recent_merge_into_their_24_and_say_so() {
        let mut sources = Vec::new();
        for n in 0..=255_u8 {
            call(&mut sources, [10, 0, n / 128, n % 128].into(), i64::from(n), false);
        }
        assert!(sources.len() == SOURCES_MAX && sources.iter().all(|source| !source.merged), "exact up to 256");
        call(&mut sources, [10, 0, 9, 1].into(), 300, false);
        assert!(sources.len() <= SOURCES_MAX);
        let merged: Vec<_> = sources.iter().filter(|source| source.merged).collect();
        assert_eq!((merged[0].net.to_string(), merged[0].calls, merged.len()), ("10.0.0.0/24".to_owned(), 2, 1));
        call(&mut sources, [10, 0, 0, 0].into(), 301, false);
        assert_eq!(sources.iter().find(|source| source.merged).map(|source| source.calls), Some(3), "counted there");
    }

    #[test]
    fn an_overlap_shows_how_many_addresses_use_the_new_secret() {
        let mut sources = Vec::new();
        call(&mut sources, [10, 0, 0, 8].into(), -EXPECTED_SECS - 1, false);
        call(&mut sources, [10, 0, 0, 9].into(), -5, false);
        for n in 0..4 {
            call(&mut sources, [10, 0, 0, n].into(), 1, true);
        }
        call(&mut sources, [10, 0, 0, 0].into(), 2, false);
        assert_eq!(on_old_secret(&sources, Some(START), START.plus_secs(-30 * 86_400)), (4, 5), "the others of those");
        assert_eq!(moved_on(&sources, START), (1, 5), "9 has not called since, so it has the old one; 8 is long gone");
        let old: Vec<bool> = sources.iter().map(|source| has_old_secret(source, Some(START))).collect();
        assert_eq!(old, [true, true, false, true, true, true]);
        assert!(!has_old_secret(&sources[1], None), "outside of an overlap there is one secret");
    }

    proptest! {
        #[test]
        fn no_call_is_lost_and_the_table_stays_bounded(ips in prop::collection::vec(any::<[u8; 4]>(), 1..600)) {
            let mut sources = Vec::new();
            for (at, ip) in ips.iter().enumerate() {
                call(&mut sources, IpAddr::from(*ip), i64::try_from(at).unwrap(), false);
                prop_assert!(sources.len() <= SOURCES_MAX);
            }
            prop_assert_eq!(sources.iter().map(|source| source.calls).sum::<u64>(), ips.len() as u64);
        }
    }
}
