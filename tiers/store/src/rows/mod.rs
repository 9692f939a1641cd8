//! The rows of the high-volume tier (data model, section 1): one file a family, with its key codec, its value codec and nothing else.
//! Every value begins with a version byte; what does not decode is [`Damaged`], never a panic.

mod codec;
mod metadata;

pub(crate) mod bucket;
pub(crate) mod config;
pub(crate) mod counter;
pub(crate) mod extension;
pub(crate) mod finished;
pub(crate) mod garbage;
pub(crate) mod head;
pub(crate) mod inline;
pub(crate) mod manifest;
pub(crate) mod object;
pub(crate) mod part;
pub(crate) mod singleton;
pub(crate) mod ticket;
pub(crate) mod upload;

#[cfg(test)]
mod pinned;
#[cfg(test)]
mod sample;

/// A family of rows. The discriminant is the first byte of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Family {
    /// Bucket names.
    Bucket = b'B',
    /// Configuration documents of buckets.
    Config = b'b',
    /// Counters of buckets.
    Counter = b'C',
    /// Inline bodies.
    Inline = b'D',
    /// Metadata too large for a head.
    Extension = b'E',
    /// Waste to be reclaimed.
    Garbage = b'G',
    /// Objects.
    Object = b'O',
    /// Parts of open uploads.
    Part = b'P',
    /// Pages of manifests.
    Manifest = b'Q',
    /// Singletons.
    Singleton = b'S',
    /// Write tickets.
    Ticket = b'T',
    /// Open uploads.
    Upload = b'U',
    /// Finished uploads.
    Finished = b'W',
}

impl Family {
    /// The first byte of its keys.
    pub(crate) fn byte(self) -> u8 {
        self as u8
    }
}

/// A row that does not decode: damaged, or written by a newer release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of family {} cannot be decoded", char::from(.family.byte()))]
pub(crate) struct Damaged {
    /// Its family.
    pub(crate) family: Family,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Family; 13] = [
        Family::Bucket,
        Family::Config,
        Family::Counter,
        Family::Inline,
        Family::Extension,
        Family::Garbage,
        Family::Object,
        Family::Part,
        Family::Manifest,
        Family::Singleton,
        Family::Ticket,
        Family::Upload,
        Family::Finished,
    ];

    /// Named by the data model, without code yet: credentials, catalog log, versions, null versions, feed, feed consumers, cursors,
    /// due times, operation log, packs, members.
    const RESERVED: [u8; 11] = *b"AcVNFKXLJRM";

    #[test]
    fn every_letter_of_the_data_model_is_taken_once() {
        let mut letters: Vec<u8> = ALL.iter().map(|family| family.byte()).collect();
        letters.extend(RESERVED);
        letters.sort_unstable();
        assert_eq!(letters, b"ABCDEFGJKLMNOPQRSTUVWXbc");
        assert_eq!(ALL.map(Family::byte), *b"BbCDEGOPQSTUW");
    }

    #[test]
    fn a_damaged_row_names_its_family() {
        assert_eq!(Damaged { family: Family::Object }.to_string(), "a row of family O cannot be decoded");
    }
}
