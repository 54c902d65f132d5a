-- Which projections are to be rebuilt. What a crash interrupts is begun again.
CREATE TABLE tidings_views.wanted (
    projection TEXT COLLATE "C" PRIMARY KEY
);
