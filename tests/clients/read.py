"""The official Python client against a server's log: reads a stream, reads all with a filter, follows a subscription.

Run by `tests/clients/run` with CONNECTION, STREAM and READY in the environment. When it follows, it says so by making the
file READY; then messages are sent.
"""

import json
import os
import pathlib

from kurrentdbclient import CaughtUp, KurrentDBClient
from kurrentdbclient.exceptions import NotFoundError, UnauthenticatedError

stream, ready = os.environ["STREAM"], pathlib.Path(os.environ["READY"])


def body(event):
    return json.loads(event.data)["opened"]["body"]


client = KurrentDBClient(os.environ["CONNECTION"])

# a stream, both ways
events = client.get_stream(stream)
assert [event.stream_position for event in events] == list(range(len(events))), events
sent = [event for event in events if event.type == "message_sent"]
assert [body(event) for event in sent] == ["one", "two", "three"], sent
assert [event.id for event in client.get_stream(stream, backwards=True)] == [event.id for event in reversed(events)]
try:
    client.get_stream("conversation-nowhere")
    raise AssertionError("a stream that is not there was read")
except NotFoundError:
    pass

# the whole log: with the client's own filter, which excludes system events, and with ours
# without the notes that an auditor was shown something: every reading adds one
def unnoted(events):
    return [event for event in events if event.type != "content_accessed"]


everything = unnoted(client.read_all())
positions = [event.commit_position for event in everything]
assert positions == sorted(set(positions)) and len(everything) > len(events)
backwards = [event.commit_position for event in unnoted(client.read_all(backwards=True))]
assert backwards == positions[::-1]
only = list(client.read_all(filter_include=["message_sent"]))
assert [event.id for event in only] == [event.id for event in sent], only
only = list(client.read_all(filter_include=[r"conversation-.*"], filter_by_stream_name=True))
assert [event.id for event in only] == [event.id for event in events], only
without = unnoted(client.read_all(filter_exclude=["message_sent"]))
assert len(without) == len(everything) - len(sent)

# a subscription, while messages are sent
bodies = []
with client.subscribe_to_all(
    filter_include=["message_sent"], include_caught_up=True, timeout=60
) as subscription:
    for event in subscription:
        if isinstance(event, CaughtUp):
            if bodies == ["one", "two", "three"]:
                ready.touch()
            continue
        bodies.append(body(event))
        if len(bodies) == 6:
            break
assert bodies == ["one", "two", "three", "four", "five", "six"], bodies

with client.subscribe_to_stream(stream, stream_position=events[-1].stream_position, timeout=60) as subscription:
    later = []
    for event in subscription:
        later.append(body(event))
        if len(later) == 3:
            break
assert later == ["four", "five", "six"], later
client.close()

# with other credentials there is nothing
stranger = KurrentDBClient(os.environ["CONNECTION"].replace("auditor:", "stranger:"))
try:
    list(stranger.read_all(limit=1))
    raise AssertionError("a stranger read the log")
except UnauthenticatedError:
    pass
stranger.close()
print("kurrentdbclient (Python): as expected")
