#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Python's redis against kvs: what a program does with a driver, its pool and its pipelines.

    client.py HOST PORT
"""

import sys

import redis


def expect(got, wanted):
    if got != wanted:
        raise SystemExit(f"got {got!r}, wanted {wanted!r}")


def fails(kind, text, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        if text not in str(error):
            raise SystemExit(f"{error!r} does not say {text!r}") from error
        return
    raise SystemExit(f"{call} did not fail")


def strings(client):
    expect(client.set("greeting", "hello"), True)
    expect(client.get("greeting"), b"hello")
    expect(client.get("nosuch"), None)
    expect(client.mset({"a": 1, "b": b"\x00\xff"}), True)
    expect(client.mget("a", "b", "c"), [b"1", b"\x00\xff", None])
    expect(client.strlen("greeting"), 5)
    expect(client.exists("a", "b", "c"), 2)
    expect(client.delete("a", "b", "c"), 2)
    large = bytes(range(256)) * 8192
    expect(client.set("large", large), True)
    expect(client.get("large"), large)


def hashes(client):
    expect(client.hset("user", mapping={"name": "Ann", "age": 30}), 2)
    expect(client.hget("user", "name"), b"Ann")
    expect(client.hgetall("user"), {b"name": b"Ann", b"age": b"30"})
    expect(client.hmget("user", "age", "nosuch"), [b"30", None])
    expect(client.hexists("user", "age"), True)
    expect(sorted(client.hkeys("user")), [b"age", b"name"])
    expect(client.hdel("user", "age", "nosuch"), 1)
    expect(client.hvals("user"), [b"Ann"])


def pipelines(client):
    pipe = client.pipeline(transaction=False)
    for i in range(1000):
        pipe.hset("many", f"field{i}", i)
    expect(sum(pipe.execute()), 1000)
    expect(len(client.hgetall("many")), 1000)
    pipe = client.pipeline(transaction=False)
    pipe.set("n", "x").hget("n", "f").get("n")
    results = pipe.execute(raise_on_error=False)
    expect(results[0], True)
    expect(results[2], b"x")


def errors(client):
    fails(redis.ResponseError, "unknown command 'LPUSH'", client.lpush, "l", 1)
    fails(redis.ResponseError, "wrong number of arguments", client.execute_command, "GET")


def ping_once(connection):
    connection.send_command("PING")
    connection.read_response()


def kills(client):
    """Another connection is seen and ended, and its client finds out at its next command."""
    options = client.connection_pool.connection_kwargs
    other = redis.Redis(host=options["host"], port=options["port"], single_connection_client=True,
                        retry_on_error=[])
    expect(other.client_setname("other"), True)
    number, own = other.client_id(), client.client_id()
    found = {row["id"]: row for row in client.client_list()}
    expect(found[str(number)]["name"], "other")
    expect(found[str(own)]["cmd"], "client|list")
    expect(sorted(int(row["id"]) for row in client.client_list(client_id=[str(number)])), [number])
    expect(client.client_info()["id"], own)
    expect(client.client_kill_filter(_id=number), 1)
    fails(redis.ConnectionError, "", ping_once, other.connection)
    expect(client.client_kill_filter(_id=number), 0)
    fails(redis.ResponseError, "No such client", client.client_kill, "127.0.0.1:1")


def topics(client):
    pubsub = client.pubsub()
    pubsub.subscribe("news", "other")
    pubsub.psubscribe("n*")
    kinds = [pubsub.get_message(timeout=60)["type"] for _ in range(3)]
    expect(kinds, ["subscribe", "subscribe", "psubscribe"])
    publisher = redis.Redis(**client.connection_pool.connection_kwargs)
    expect(publisher.publish("news", "hello"), 2)
    found = sorted((m["type"], m["channel"], m["data"]) for m in (pubsub.get_message(timeout=60) for _ in range(2)))
    expect(found, [("message", b"news", b"hello"), ("pmessage", b"news", b"hello")])
    expect(dict(publisher.pubsub_numsub("news", "none")), {b"news": 1, b"none": 0})
    expect(sorted(publisher.pubsub_channels()), [b"news", b"other"])
    expect(publisher.pubsub_numpat(), 1)
    pubsub.unsubscribe()
    pubsub.punsubscribe()
    kinds = [pubsub.get_message(timeout=60)["type"] for _ in range(3)]
    expect(kinds, ["unsubscribe", "unsubscribe", "punsubscribe"])
    expect(publisher.publish("news", b"\x00\xff"), 0)
    pubsub.close()


def connections(client):
    expect(client.ping(), True)
    expect(client.echo("hi"), b"hi")
    expect(client.client_setname("me"), True)
    expect(client.client_getname(), "me")
    kills(client)
    expect(client.config_get("appendonly"), {"appendonly": "no"})
    expect(client.info("server")["redis_mode"], "standalone")
    expect(len(client.time()), 2)
    expect(client.select(0), True)


def main():
    client = redis.Redis(host=sys.argv[1], port=int(sys.argv[2]), single_connection_client=True)
    for case in (strings, hashes, pipelines, errors, topics, connections):
        case(client)
    client.close()


if __name__ == "__main__":
    main()
