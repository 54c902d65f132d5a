//! The shape of a projection's tables, whatever the database.

/// The statements that make a projection's tables, and those that are better run when the tables are full.
pub(crate) struct Shape {
    /// Changes whenever a fold fills the same tables otherwise.
    pub(crate) revision: u32,
    /// In order.
    pub(crate) tables: &'static [&'static str],
    /// After the fast filling.
    pub(crate) indexes: &'static [&'static str],
}

/// What this release can do with tables that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// They are as it makes and fills them.
    Whole,
    /// It makes the same, but an older release filled them otherwise: they answer as that one did, until they are rebuilt.
    Filled,
    /// It cannot read them.
    No,
}

impl Shape {
    /// Names this release's shape of the view: `{the tables}-{the revision}`.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{}-{}", self.tables_fingerprint(), self.revision)
    }

    fn tables_fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for statements in self.tables.iter().chain(self.indexes) {
            hasher.update(statements.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Whether tables with this fingerprint can be read and folded on. Those of a newer revision are left to whoever made them:
    /// nodes of two releases would otherwise rebuild each other's views for ever.
    pub(crate) fn fits(&self, fingerprint: &str) -> Fit {
        let parts = fingerprint.split_once('-').filter(|(tables, _)| *tables == self.tables_fingerprint());
        match parts.and_then(|(_, revision)| revision.parse::<u32>().ok()) {
            None => Fit::No,
            Some(revision) if revision < self.revision => Fit::Filled,
            Some(_) => Fit::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_release_filled_can_be_read_as_long_as_the_tables_are_the_same() {
        let shape = |revision, tables| Shape { revision, tables, indexes: &[] };
        let now = shape(3, &["CREATE TABLE a (b)"]);
        assert_eq!(now.fits(&now.fingerprint()), Fit::Whole);
        assert_eq!(now.fits(&shape(2, &["CREATE TABLE a (b)"]).fingerprint()), Fit::Filled);
        assert_eq!(now.fits(&shape(4, &["CREATE TABLE a (b)"]).fingerprint()), Fit::Whole);
        assert_eq!(now.fits(&shape(3, &["CREATE TABLE a (c)"]).fingerprint()), Fit::No);
        assert_eq!(now.fits("0123456789abcdef0123456789abcdef"), Fit::No);
    }
}
