-- Judges and writes a batch of appends as `append_1` does, under the same lock.
--
-- Nearly every batch is in order: no stream comes twice, each has the expected version, no command is in the log. That is found
-- out in one statement, and such a batch is written by one or two more. Any other is given to `append_1`, which goes through it
-- append by append.
--
-- Appends are judged in order, each as if those before it were in the log; a refused one leaves no trace and hurts nobody.
-- Answers: null for a batch in order, whose events follow the head one by one; else for each append
--   outcome 0: appended, `value` is the position of its last event (for an append without events: the head)
--   outcome 1: another version was expected, `value` is the actual one
--   outcome 2: a command is in the log already, `value` is its place in `command_ids`, from 1
-- No command id may come twice in one batch.
CREATE FUNCTION tidings_events.append_2(
    -- the streams of the batch, each once
    stream_names text[],
    stream_categories text[],
    -- of each stream: the least version that an append expects of it
    stream_expected bigint[],
    -- of each append: its place in the streams, from 1; how many events the stream must have; how many it gets
    append_stream integer[],
    append_expected bigint[],
    append_events integer[],
    -- of each event, in order: its append, from 1; its version
    event_append integer[],
    event_version bigint[],
    event_id uuid[],
    event_name text[],
    event_data bytea[],
    event_metadata bytea[],
    -- of each command: its append, from 1; the place of its first event in the batch, from 1, or 0 where it only asks
    command_append integer[],
    command_event integer[],
    command_ids uuid[],
    command_fingerprints uuid[],
    OUT outcomes integer[],
    OUT vals bigint[],
    -- the head before and the time that the events were given
    OUT head bigint,
    OUT recorded bigint
)
LANGUAGE plpgsql
-- the parameters are arrays, whose length a plan need not know: made anew for each call, it costs more than what it does
SET plan_cache_mode = force_generic_plan
-- a plan made while the tables were small must not scan them when they have grown
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
DECLARE
    ids bigint[];
    made boolean := false;
    fits boolean;
BEGIN
    -- From here to the commit nobody else appends: what is read now stays true, and positions appear in order.
    PERFORM pg_advisory_xact_lock(1953064036, 'tidings_events.events'::regclass::oid::integer);

    SELECT e.position, e.recorded_at INTO head, recorded FROM tidings_events.events e ORDER BY e.position DESC LIMIT 1;
    head := coalesce(head, 0);
    recorded := greatest(recorded, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);

    -- A version is looked for from the expected one upwards: there is one entry of the index there, or a few. From the end
    -- downwards a whole page of entries is gone through, which costs more than all the rest.
    IF cardinality(stream_names) = cardinality(append_stream) THEN
        SELECT array_agg(s.id ORDER BY s.nth), bool_or(s.id IS NULL), bool_and(s.expected = coalesce(
                   (SELECT e.version FROM tidings_events.events e WHERE e.stream = s.id AND e.version >= s.expected
                    ORDER BY e.version DESC LIMIT 1), 0))
        INTO ids, made, fits
        FROM (SELECT (SELECT t.id FROM tidings_events.streams t WHERE t.name = n.name COLLATE "C") AS id, n.expected, n.nth
              FROM unnest(stream_names, stream_expected) WITH ORDINALITY n(name, expected, nth) OFFSET 0) s;
        IF fits AND cardinality(command_ids) > 0 THEN
            fits := NOT EXISTS (SELECT FROM unnest(command_ids) c(id)
                                WHERE EXISTS (SELECT FROM tidings_events.commands k WHERE k.id = c.id));
        END IF;
    END IF;
    IF fits THEN
        IF made THEN
            INSERT INTO tidings_events.streams (name, category)
            SELECT n.name, n.category FROM unnest(stream_names, stream_categories, ids, append_events)
                n(name, category, id, events)
            WHERE n.id IS NULL AND n.events > 0;
            SELECT array_agg((SELECT t.id FROM tidings_events.streams t WHERE t.name = n.name COLLATE "C") ORDER BY n.nth)
            INTO ids FROM unnest(stream_names) WITH ORDINALITY n(name, nth);
        END IF;
        -- the streams stand in the order of the appends, each being new with one
        INSERT INTO tidings_events.events (position, stream, version, recorded_at, id, name, data, metadata)
        SELECT head + e.nth, ids[e.append], e.version, recorded, e.id, e.name, e.data, e.metadata
        FROM unnest(event_append, event_version, event_id, event_name, event_data, event_metadata) WITH ORDINALITY
            e(append, version, id, name, data, metadata, nth);
        IF cardinality(command_ids) > 0 THEN
            INSERT INTO tidings_events.commands (id, position, fingerprint)
            SELECT c.id, head + c.event, c.fingerprint
            FROM unnest(command_event, command_ids, command_fingerprints) c(event, id, fingerprint)
            WHERE c.event > 0
            ORDER BY c.id;
        END IF;
        RETURN;
    END IF;

    -- append by append; the lock is held already
    SELECT a.outcomes, a.vals, a.head, a.recorded INTO outcomes, vals, head, recorded
    FROM tidings_events.append_1(stream_names, stream_categories, stream_expected, append_stream, append_expected, append_events,
        event_append, event_version, event_id, event_name, event_data, event_metadata, command_append,
        -- one that only asks is of an append without events, for which that function looks at no version
        ARRAY(SELECT coalesce(event_version[c.event], 0) FROM unnest(command_event) WITH ORDINALITY c(event, nth) ORDER BY c.nth),
        command_ids, command_fingerprints) a;
END
$$;
