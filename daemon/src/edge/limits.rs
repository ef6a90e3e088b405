//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts open connections by address. Bounded by the total number of connections: an entry lives as long as one.
#[derive(Debug, Default)]
pub(crate) struct AddressTable {
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One counted connection; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    table: Arc<AddressTable>,
    address: IpAddr,
}

// === impl AddressTable ===

impl AddressTable {
    /// Takes a place for the address, or says no when `max` are taken.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, max: usize) -> Option<AddressPermit> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= max {
            // With a limit of zero the entry is new and would stay behind.
            if *count == 0 {
                open.remove(&address);
            }
            return None;
        }
        *count += 1;
        Some(AddressPermit { table: Arc::clone(self), address })
    }
}

// === impl AddressPermit ===

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut open = self.table.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = open.get_mut(&self.address) else { return };
        *count -= 1;
        if *count == 0 {
            open.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_comes_back_when_a_connection_ends_and_no_entry_stays() {
        let table = Arc::new(AddressTable::default());
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = table.admit(one, 2).unwrap();
        let second = table.admit(one, 2).unwrap();
        assert!(table.admit(one, 2).is_none());
        assert!(table.admit(other, 2).is_some());
        drop(first);
        let third = table.admit(one, 2).unwrap();
        drop((second, third));
        assert!(table.admit(one, 0).is_none());
        assert!(table.open.lock().unwrap().is_empty());
    }
}
