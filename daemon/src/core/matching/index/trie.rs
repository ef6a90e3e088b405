//! The JSON paths of all guards as one trie, so that a payload is walked once however many paths there are.

use std::collections::HashMap;

use serde_json::Value;
use tollgate_shared::filter::Segment;

use crate::core::matching::select::SELECTED_MAX;

/// Paths by their segments. It selects what `select` selects, path by path, with shared beginnings shared.
#[derive(Default)]
pub(super) struct Trie {
    /// The first is the root.
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    /// The path that ends here.
    path: Option<u32>,
    keys: HashMap<Box<str>, u32>,
    indices: Vec<(u32, u32)>,
    all: Option<u32>,
}

// === impl Trie ===

impl Trie {
    /// Adds a path under its number.
    pub(super) fn insert(&mut self, segments: &[Segment], path: u32) {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let end = segments.iter().fold(0, |node, segment| self.child(node, segment));
        self.nodes[end as usize].path = Some(path);
    }

    /// Calls `found` for every path that leads somewhere, with the values there in the order of the call, nulls
    /// included, as many as `select` looks at.
    pub(super) fn walk<'v>(&self, root: &'v Value, found: &mut impl FnMut(u32, &[&'v Value])) {
        if let Some(node) = self.nodes.first() {
            self.visit(node, &[root], found);
        }
    }

    fn child(&mut self, node: u32, segment: &Segment) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let parent = &mut self.nodes[node as usize];
        let child = match segment {
            Segment::Key(key) => *parent.keys.entry(key.as_str().into()).or_insert(fresh),
            Segment::All => *parent.all.get_or_insert(fresh),
            Segment::Index(index) => match parent.indices.iter().find(|(found, _)| found == index) {
                Some((_, child)) => *child,
                None => {
                    parent.indices.push((*index, fresh));
                    fresh
                }
            },
        };
        if child == fresh {
            self.nodes.push(Node::default());
        }
        child
    }

    fn visit<'v>(&self, node: &Node, places: &[&'v Value], found: &mut impl FnMut(u32, &[&'v Value])) {
        if let Some(path) = node.path {
            found(path, places);
        }
        for (index, child) in &node.indices {
            let elements = places.iter().filter_map(|place| place.as_array()?.get(*index as usize));
            self.descend(*child, elements, found);
        }
        if let Some(child) = node.all {
            self.descend(child, places.iter().filter_map(|place| place.as_array()).flatten(), found);
        }
        match places {
            [place] => node.members(place, &mut |child, value| self.visit(self.node(child), &[value], found)),
            _ => self.members_of_many(node, places, found),
        }
    }

    fn descend<'v>(
        &self,
        child: u32,
        elements: impl Iterator<Item = &'v Value>,
        found: &mut impl FnMut(u32, &[&'v Value]),
    ) {
        let places: Vec<_> = elements.take(SELECTED_MAX).collect();
        if !places.is_empty() {
            self.visit(self.node(child), &places, found);
        }
    }

    /// The members of up to 256 objects, gathered child by child. One pass, so that the cost follows the payload and not
    /// the number of paths.
    fn members_of_many<'v>(&self, node: &Node, places: &[&'v Value], found: &mut impl FnMut(u32, &[&'v Value])) {
        if node.keys.is_empty() {
            return;
        }
        let mut members = Vec::new();
        for place in places {
            node.members(place, &mut |child, value| members.push((child, value)));
        }
        // Stable: the values of one child stay in the order of the call.
        members.sort_by_key(|(child, _)| *child);
        for group in members.chunk_by(|(a, _), (b, _)| a == b) {
            self.descend(group[0].0, group.iter().map(|(_, value)| *value), found);
        }
    }

    fn node(&self, number: u32) -> &Node {
        &self.nodes[number as usize]
    }
}

// === impl Node ===

impl Node {
    /// Calls `found` for the members of an object that some path goes on with, through the smaller of the two maps.
    fn members<'v>(&self, place: &'v Value, found: &mut impl FnMut(u32, &'v Value)) {
        let Value::Object(object) = place else { return };
        if self.keys.len() <= object.len() {
            for (key, child) in &self.keys {
                if let Some(value) = object.get(&**key) {
                    found(*child, value);
                }
            }
        } else {
            for (key, value) in object {
                if let Some(child) = self.keys.get(key.as_str()) {
                    found(*child, value);
                }
            }
        }
    }
}
