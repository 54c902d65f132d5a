//! Every law of the event store, for every backend.

mod sqlite {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tempfile::TempDir;
    use tidings_domain::Timestamp;
    use tidings_event_store::{EventStore, SqliteEventStore};
    use tidings_tests::conformance::Backend;

    struct Sqlite {
        // None only while it is being reopened.
        store: Option<Arc<SqliteEventStore>>,
        directory: TempDir,
    }

    impl Sqlite {
        fn open(directory: &TempDir) -> Arc<SqliteEventStore> {
            let clock = || Timestamp::from_millis(1_800_000_000_000);
            Arc::new(SqliteEventStore::open(&directory.path().join("events.db"), clock).expect("it opens"))
        }
    }

    #[async_trait]
    impl Backend for Sqlite {
        async fn fresh() -> Self {
            let directory = tempfile::tempdir().expect("there is a place for temporary files");
            Self { store: Some(Self::open(&directory)), directory }
        }

        fn store(&self) -> Arc<dyn EventStore> {
            self.store.clone().expect("it is open")
        }

        async fn reopen(&mut self) {
            self.store = None;
            self.store = Some(Self::open(&self.directory));
        }

        async fn another_node(&self) -> Arc<dyn EventStore> {
            self.store()
        }
    }

    tidings_tests::event_store_conformance!(Sqlite);
}

mod postgres {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tidings_event_store::{EventStore, PostgresEventStore, database::DatabaseUrl};
    use tidings_tests::{
        conformance::Backend,
        postgres::{Cluster, Database},
    };

    struct Postgres {
        // None only while it is being reopened.
        store: Option<Arc<PostgresEventStore>>,
        database: Database<'static>,
    }

    impl Postgres {
        async fn open(database: &Database<'_>) -> Arc<PostgresEventStore> {
            let url = DatabaseUrl::parse("TIDINGS_EVENT_STORE", &database.url()).expect("it is a URL");
            Arc::new(PostgresEventStore::open(&url).await.expect("it opens"))
        }
    }

    #[async_trait]
    impl Backend for Postgres {
        async fn fresh() -> Self {
            let database = Cluster::shared().create_database();
            Self { store: Some(Self::open(&database).await), database }
        }

        fn store(&self) -> Arc<dyn EventStore> {
            self.store.clone().expect("it is open")
        }

        async fn reopen(&mut self) {
            self.store = None;
            self.store = Some(Self::open(&self.database).await);
        }

        async fn another_node(&self) -> Arc<dyn EventStore> {
            Self::open(&self.database).await
        }
    }

    tidings_tests::event_store_conformance!(Postgres);
}

mod kurrentdb {
    use std::sync::Arc;

    use async_trait::async_trait;
    use tidings_event_store::{EventStore, KurrentEventStore};
    use tidings_tests::{conformance::Backend, stand_in::StandIn};

    struct Kurrent {
        // None only while it is being reopened.
        store: Option<Arc<KurrentEventStore>>,
        server: StandIn,
    }

    async fn connect(server: &StandIn, index: &str) -> Arc<KurrentEventStore> {
        let store = KurrentEventStore::connect(&server.connection_string(), &server.file(index)).await;
        Arc::new(store.expect("the server is there"))
    }

    #[async_trait]
    impl Backend for Kurrent {
        const ORDERS_ACROSS_STREAMS: bool = false;

        async fn fresh() -> Self {
            let server = StandIn::start();
            Self { store: Some(connect(&server, "commands.db").await), server }
        }

        fn store(&self) -> Arc<dyn EventStore> {
            self.store.clone().expect("it is open")
        }

        async fn reopen(&mut self) {
            self.store.take().expect("it is open").close().await;
            self.store = Some(connect(&self.server, "commands.db").await);
        }

        async fn another_node(&self) -> Arc<dyn EventStore> {
            connect(&self.server, "commands-of-another-node.db").await
        }
    }

    tidings_tests::event_store_conformance!(Kurrent);
}
