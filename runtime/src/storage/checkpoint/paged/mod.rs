//! The checkpoint store on disk: redb over pages with checksums of our own.
//!
//! Owns `checkpoint.redb`. `layout` says where things lie, `slots` which slot of the header may be written, both pure;
//! `session` is the open file, `pending` the pages on their way to it, `backend` what redb sees of it; `live` opens a session with redb on top; `store` and
//! `tables` are what the engine sees. `verify` inspects a closed store over an `overlay`.
//!
//! # Why a crash leaves a store that can be read
//! redb writes pages that nothing in use refers to, syncs, then writes a header that refers to them, and syncs (two
//! phases). All that it overwrites in place is its header, page 0. That is kept twice, in two slots that are written in
//! turn: as long as the newest header is not synced, the one before it stands untouched in the other slot. A page that
//! was being written when the power failed may be torn; nothing refers to it, and it is written before it is read. A
//! page shares the sectors at its ends with its neighbours, and rests on a sector's old and new bytes being the same
//! where nobody changed them.
//!
//! # Why a flip is detected or harmless
//! Stamp, slots and pages have checksums that cover what they are and where they belong. A slot that is wrong must not
//! make an older header pass for the newest: before a call is answered, the header is copied to the other slot and
//! synced, so that a flip in one leaves its equal. Until then nobody was told of the newest header.
//!
//! # Why nothing is built upon that may not be on disk
//! What the system's cache shows of the newest header may never have reached the disk, if its sync failed in another
//! process. So each session writes that slot anew, with the bytes that it has, and syncs it before redb reads anything.
//! The other slot would be the wrong place: it may be the only one that is on disk. The pages that a header refers to
//! were synced before it was written. After a failed sync nothing is done any more.

mod backend;
mod layout;
mod live;
mod look;
mod overlay;
mod pending;
mod session;
mod slots;
mod store;
mod tables;
mod verify;

pub use self::store::RedbCheckpoint;
pub(crate) use self::verify::verify;
