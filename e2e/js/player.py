"""A player on Debian's python3-socketio: joins the lobby and a match with JSON."""
import json
import sys
import threading

import socketio

url, transport = sys.argv[1], sys.argv[2]
sio = socketio.Client()
done = threading.Event()
seen = {"order": [], "snapshots": 0}
# python-socketio runs every handler in a thread of its own.
mouth = threading.Lock()


def say(ev, **data):
    with mouth:
        print(json.dumps({"ev": ev, **data}), flush=True)


@sio.on("match:found", namespace="/lobby")
def found(m):
    say("found", match=m["match"])
    # A thread of its own: a handler must not wait for another namespace.
    threading.Thread(target=take, args=(m["seat"]["token"],), daemon=True).start()


# python-socketio has one auth for all namespaces of a connection, so the match
# gets a connection of its own.
match = socketio.Client()


def take(token):
    match.connect(url, auth={"seat": token}, namespaces=["/match"], transports=[transport])


@match.on("welcome", namespace="/match")
def welcome(w):
    seen["you"] = w["you"]
    seen["order"].append("welcome")


@match.on("schema", namespace="/match")
def schema(_):
    seen["order"].append("schema")


@match.on("snapshot", namespace="/match")
def snapshot(s):
    seen["snapshots"] += 1
    if seen["snapshots"] == 1:
        say("first", order=",".join(seen["order"]), base=s["b"])
    match.emit("input", {"s": s["t"] + 1, "k": s["t"], "v": {"right": True, "aim": 0.0}}, namespace="/match")
    for row in s["e"]:
        if row[0] == seen["you"] and row[1] == 0:
            x = row[2]
            seen.setdefault("x", x)
            if abs(x - seen["x"]) > 200:
                say("moved", snapshots=seen["snapshots"])
                done.set()


sio.connect(url, auth={"name": "python"}, namespaces=["/lobby"], transports=[transport])
answer = sio.call("queue:join", {"queue": "arena"}, namespace="/lobby", timeout=10)
say("queued", ok=answer["ok"])
ok = done.wait(60)
answer = match.call("leave", {}, namespace="/match", timeout=10) if ok else {}
say("left", ok=bool(answer.get("ok")))
match.disconnect()
sio.disconnect()
sys.exit(0 if ok else 3)
