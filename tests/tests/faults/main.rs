//! What a server makes of a bad world: killed under load, a full disk, files that cannot be written.

mod disk;
mod kill;
mod read_only;
mod rebuild;
mod trouble;
