

pub mod bind;
