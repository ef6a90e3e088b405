//! What an operator sets on a token for a time: a quota, blocked addresses (operator.md, job 7). It ends by itself.

use ipnet::IpNet;
use tollgate_shared::api::TokenPatch;
use tollgate_shared::limits::{BLOCKS_MAX, DEBUG_ONE_IN_MAX, MEASURE_SECS_MAX};
use tollgate_shared::problem::Problem;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::RateLimit;

use super::fields::{networks_in, rate_of};
use super::{Office, Reply, Step, invalid, sealed, stamp, target_of, write};
use crate::core::access::Actor;
use crate::core::admin::Done;
use crate::core::measures::{Block, Measures, TimedLimit};
use crate::core::model::{RegistryChange, Token};

/// What is in force on a token now, and what it will be.
pub(super) struct Change {
    old: Measures,
    new: Measures,
}

/// Takes what a patch sets for a time, and what it ends.
///
/// # Errors
/// The field that is wrong, and why.
pub(super) fn change(office: &Office<'_>, token: &Token, patch: &TokenPatch) -> Result<Change, Problem> {
    let old =
        office.registry.measures(token.id).map(|all| all.still(token.debug_until, office.now)).unwrap_or_default();
    let until = until(patch, office.now)?;
    let mut new = old.clone();
    limit(&mut new, token, patch, until)?;
    unblock(&mut new, patch)?;
    block(&mut new, patch, until)?;
    Ok(Change { old, new })
}

/// When what is set for a time ends; `None` where the patch names no time.
fn until(patch: &TokenPatch, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    match patch.for_secs {
        None if patch.block_ips.is_some() => {
            Err(invalid("for_secs", "a block ends by itself: say after how long, 1 s to 30 d (--for 1h)"))
        }
        None => Ok(None),
        Some(_) if patch.rate_limit.is_none() && patch.block_ips.is_none() => {
            Err(invalid("for_secs", "is the time of a quota or of a block; neither is given"))
        }
        Some(secs) if (1..=MEASURE_SECS_MAX).contains(&secs) => Ok(Some(now.plus_secs(i64::from(secs)))),
        Some(secs) => Err(invalid(
            "for_secs",
            format!("{secs} s; 1 s to {MEASURE_SECS_MAX} s (30 d); what lasts is set without a time"),
        )),
    }
}

/// A quota without a time is the lasting one and ends the one for a time: it is in force from now on.
fn limit(new: &mut Measures, token: &Token, patch: &TokenPatch, until: Option<Timestamp>) -> Result<(), Problem> {
    let Some(wanted) = patch.rate_limit else { return Ok(()) };
    let Some(until) = until else {
        new.limit = None;
        return Ok(());
    };
    let limit = rate_of(wanted)?
        .ok_or_else(|| invalid("rate_limit", "no quota at all is none for a time; give a wide one, 1000000/min"))?;
    if token.sealed && token.rate_limit.is_some_and(|lasting| is_wider(limit, lasting)) {
        return Err(sealed(token, "a quota for a time may only be narrower than its own"));
    }
    new.limit = Some(TimedLimit { limit, until });
    Ok(())
}

fn is_wider(limit: RateLimit, than: RateLimit) -> bool {
    limit.calls_per_min > than.calls_per_min || limit.burst > than.burst
}

fn unblock(new: &mut Measures, patch: &TokenPatch) -> Result<(), Problem> {
    for (at, net) in networks_in("unblock_ips", patch.unblock_ips.as_deref().unwrap_or_default(), BLOCKS_MAX)?
        .into_iter()
        .enumerate()
    {
        let Some(place) = new.blocks.iter().position(|block| block.net == net) else {
            let detail = format!("{} is not blocked; blocked: {}", words_of(net), blocks_words(&new.blocks));
            return Err(invalid(&format!("unblock_ips[{at}]"), detail));
        };
        new.blocks.remove(place);
    }
    Ok(())
}

fn block(new: &mut Measures, patch: &TokenPatch, until: Option<Timestamp>) -> Result<(), Problem> {
    let (Some(list), Some(until)) = (&patch.block_ips, until) else { return Ok(()) };
    for (at, net) in networks_in("block_ips", list, BLOCKS_MAX)?.into_iter().enumerate() {
        if net.prefix_len() == 0 {
            let detail = format!("{net} is every address: suspend the token instead");
            return Err(invalid(&format!("block_ips[{at}]"), detail));
        }
        new.blocks.retain(|block| block.net != net);
        new.blocks.push(Block { net, until });
    }
    if new.blocks.len() > BLOCKS_MAX {
        let detail = format!(
            "{} would be blocked; {BLOCKS_MAX} are the limit: block a network, or end one with unblock_ips",
            new.blocks.len()
        );
        return Err(invalid("block_ips", detail));
    }
    Ok(())
}

impl Change {
    /// True where something is different.
    pub(super) fn is_one(&self) -> bool {
        self.old != self.new
    }

    /// What is different, for the audit; each end is a moment.
    pub(super) fn words(&self, before: &Token, after: &Token) -> Vec<String> {
        let mut words = Vec::new();
        if self.old.limit != self.new.limit {
            let (was, now) = (in_force(&self.old, before), in_force(&self.new, after));
            let then = self.new.limit.map(|_| format!(", then {}", rate_words(after.rate_limit)));
            words.push(format!("limit {was} -> {now}{}", then.unwrap_or_default()));
        }
        let gone = self.old.blocks.iter().filter(|old| self.new.blocks.iter().all(|new| new.net != old.net));
        words.extend(gone.map(|block| format!("{} is blocked no more", words_of(block.net))));
        let fresh = self.new.blocks.iter().filter(|new| !self.old.blocks.contains(new));
        words.extend(fresh.map(|block| format!("{} blocked until {}", words_of(block.net), block.until)));
        words
    }

    /// Adds the change to a step, with a new version of the token where it has none yet: who edits it must see this.
    pub(super) fn add_to(self, step: &mut Step, office: &Office<'_>, actor: &Actor, before: &Token) {
        if step.changes.is_empty() {
            let mut after = before.clone();
            stamp(office, actor, &mut after);
            step.changes.push(RegistryChange::PutToken(Box::new(after)));
        }
        step.changes.push(RegistryChange::PutMeasures(before.id, self.new));
    }
}

/// One call in so many is logged from now on, or every one.
///
/// # Errors
/// A number that makes no sense.
pub(super) fn sampled(
    office: &Office<'_>,
    after: &Token,
    one_in: Option<u32>,
) -> Result<Option<RegistryChange>, Problem> {
    if let Some(one_in) = one_in.filter(|one_in| !(2..=DEBUG_ONE_IN_MAX).contains(one_in)) {
        let detail = format!("{one_in}; one call in 2 to {DEBUG_ONE_IN_MAX} can be logged; without it all are");
        return Err(invalid("one_in", detail));
    }
    if one_in.is_some() && after.debug_until.is_none() {
        return Err(invalid("one_in", "debug is switched off; there is nothing to log"));
    }
    let old = office.registry.measures(after.id).map(|all| all.as_ref().clone()).unwrap_or_default();
    let new = Measures { debug_one_in: one_in, ..old.still(after.debug_until, office.now) };
    Ok((old != new).then_some(RegistryChange::PutMeasures(after.id, new)))
}

/// Takes what is over out of the store: it was in force no more from its end on.
pub(super) fn end_over(office: &mut Office<'_>, actor: &Actor) -> Done {
    let mut steps = Vec::new();
    for (id, old) in office.registry.all_measures() {
        let Some(token) = office.registry.token(id) else { continue };
        let new = old.still(token.debug_until, office.now);
        if new != **old {
            steps.push(ended(token, old, new));
        }
    }
    write(office, actor, steps, Reply::Deleted)
}

/// Sampling goes with debug, whose end is in no row of the audit either: then the change has no words.
fn ended(token: &Token, old: &Measures, new: Measures) -> Step {
    let mut words = Vec::new();
    if let Some(over) = old.limit.filter(|_| new.limit.is_none()) {
        let (was, now) = (rate_words(Some(over.limit)), rate_words(token.rate_limit));
        words.push(format!("limit {was} has ended at {} -> {now}", over.until));
    }
    let over = old.blocks.iter().filter(|block| !new.blocks.contains(block));
    words.extend(over.map(|block| format!("{} is blocked no more, since {}", words_of(block.net), block.until)));
    Step {
        id: token.id,
        changes: vec![RegistryChange::PutMeasures(token.id, new)],
        action: if words.is_empty() { "token.debug" } else { "token.edit" },
        target: target_of(token),
        detail: if words.is_empty() { "off: its time is over".to_owned() } else { words.join("; ") },
    }
}

fn in_force(measures: &Measures, token: &Token) -> String {
    match measures.limit {
        Some(timed) => format!("{} until {}", rate_words(Some(timed.limit)), timed.until),
        None => rate_words(token.rate_limit),
    }
}

/// A quota as the audit writes it.
pub(super) fn rate_words(limit: Option<RateLimit>) -> String {
    limit.map_or_else(|| "none".to_owned(), |limit| format!("{}/min, {} at once", limit.calls_per_min, limit.burst))
}

fn blocks_words(blocks: &[Block]) -> String {
    let words: Vec<_> = blocks.iter().map(|block| words_of(block.net)).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// One address without its length.
fn words_of(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

#[cfg(test)]
mod tests;
