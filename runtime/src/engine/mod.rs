pub(crate) mod host;
pub(crate) use host::Host;
