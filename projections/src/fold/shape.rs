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

impl Shape {
    /// Names this release's shape of the view: tables with another are rebuilt.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.revision.to_le_bytes());
        for statements in self.tables.iter().chain(self.indexes) {
            hasher.update(statements.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}
