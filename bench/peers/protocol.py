"""A peer's side of interleaved runs: takes a task, then runs it as often as it is asked to, a line of JSON each way."""

import json
import os
import sys
import traceback

import torch


class Unavailable(Exception):
    """What a peer cannot do here, and why."""


def serve(tasks):
    """`tasks` makes an object of each task's parameters: its `facts`, and `run(params)` to be timed."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed goes elsewhere
    task = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "begin" in request:
                if request["begin"] not in tasks:
                    raise Unavailable(f"it has no {request['begin']}")
                task = None  # what it held is free for the next one
                torch.set_num_threads(request["params"]["threads"])
                task = tasks[request["begin"]](**request["params"])
                reply = task.facts
            else:
                reply = task.run(**request["run"])
        except Unavailable as error:
            reply = {"unavailable": str(error)}
        except Exception as error:
            reply = {"error": f"{traceback.format_exc()}\n{type(error).__name__}: {error}"}
        replies.write(as_json(reply) + "\n")
        replies.flush()


def as_json(reply):
    try:
        return json.dumps(reply, allow_nan=False)
    except ValueError:  # JSON has none
        return json.dumps({"error": "ValueError: what it computed is not a number"})
