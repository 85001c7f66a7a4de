"""High availability: three nodes of PostgreSQL under Patroni, broken while staff write and read.

`make failover`. It needs Patroni (WARDBOOK_PATRONI: the folder of its programs), etcd and HAProxy;
without them it is skipped, and says so.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from api.auth.local_tokens import LocalTokens
from api.graphql.scalars import encode_position
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_cluster import program_folder
from infrastructure.postgres.migrate import migrate
from tests.support.checker import wait_until
from tests.support.jetstream import free_port
from tests.support.namespaces import Network, reason_without
from tests.support.server_process import Client

pytestmark = pytest.mark.nightly

CONFIGS = Path(__file__).parents[2] / "deploy" / "patroni"
TTL = int(os.environ.get("WARDBOOK_PATRONI_TTL", "0"))
"""Another ttl than that of patroni.yml, with a version of Patroni that takes it (docs/ha.md)."""

PATRONI = Path(os.environ.get("WARDBOOK_PATRONI", "/opt/patroni-venv/bin"))
NEEDED = [
    PATRONI / "patroni",
    shutil.which("etcd"),
    shutil.which("haproxy", path="/usr/sbin:/usr/bin"),
]
SECRET = "failover"
FOLLOW = "subscription($after: Position) { events(after: $after) { id position } }"
PAGE = """query($after: Position) { events(first: 500, after: $after) {
  nodes { id } pageInfo { endCursor hasNextPage } } }"""
MUTATION = """mutation($i: RegisterPatientInput!) { registerPatient(input: $i) { __typename } }"""

if missing := [str(program) for program in NEEDED if program is None or not Path(program).exists()]:
    pytest.skip(f"needs Patroni, etcd and HAProxy; missing: {missing}", allow_module_level=True)


@dataclass
class Process:
    """A program that can be killed and started again."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    user: pwd.struct_passwd | None = None
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.arguments,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                cwd="/",
                user=self.user.pw_uid if self.user else None,
                group=self.user.pw_gid if self.user else None,
                extra_groups=[] if self.user else None,
            )

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.running is not None:
            self.running.send_signal(number)
            self.running.wait()


@dataclass
class House:
    """The cluster, its servers, and what clients were told."""

    folder: Path
    user: pwd.struct_passwd | None
    network: Network | None = None
    processes: dict[str, Process] = field(default_factory=dict)
    postgres_ports: list[int] = field(default_factory=list)
    rest_ports: list[int] = field(default_factory=list)
    serve_ports: list[int] = field(default_factory=list)
    primary_port: int = 0
    etcd: list[str] = field(default_factory=list)
    """The addresses at which etcd answers, one for each node."""
    acknowledged: set[str] = field(default_factory=set)
    times: dict[str, list[float]] = field(default_factory=lambda: {"write": [], "read": []})

    def add(
        self, name: str, arguments: list[str], environment: dict[str, str], user: bool = False
    ) -> None:
        log = self.folder / f"{name}.log"
        process = Process(arguments, environment, log, self.user if user else None)
        self.processes[name] = process
        process.start()

    def host(self, node: int) -> str:
        """Return the address of a node, counted from 0."""
        return self.network.nodes[node] if self.network else "127.0.0.1"

    def within(self, node: int) -> list[str]:
        """Return what a program's arguments begin with, so that it runs at a node."""
        if self.network is None or self.user is None:
            return []
        return self.network.within(node, self.user.pw_uid, self.user.pw_gid)

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{SECRET}@127.0.0.1:{self.primary_port}/wardbook"

    def running(self) -> dict[str, dict[str, Any]]:
        """Return what each node that runs says of itself."""
        nodes = {}
        for node, port in enumerate(self.rest_ports):
            with suppress(httpx2.HTTPError, KeyError, json.JSONDecodeError):
                answer = httpx2.get(f"http://{self.host(node)}:{port}/patroni", timeout=1).json()
                if answer["state"] == "running":
                    nodes[f"node{node + 1}"] = answer
        return nodes

    def leader(self) -> str | None:
        return next((name for name, node in self.running().items() if _leads(node)), None)

    def leading(self) -> str:
        """Return the node that leads, once one does."""
        wait_until(lambda: self.leader() is not None, 60, "there is a leader")
        leader = self.leader()
        assert leader is not None
        return leader

    def is_whole(self) -> bool:
        """Tell whether two standbys follow a primary, and one may take its place: it is synchronous."""
        nodes = self.running().values()
        streaming = [node for node in nodes if node.get("replication_state") == "streaming"]
        return (
            len(nodes) == 3
            and any(map(_leads, nodes))
            and len(streaming) == 2
            and any(node.get("sync_standby") for node in streaming)
        )

    def primaries(self) -> set[int]:
        """Return the nodes whose PostgreSQL takes writes, asked for at each directly."""
        nodes = set()
        for node, port in enumerate(self.postgres_ports):
            where = f"postgresql://postgres:{SECRET}@{self.host(node)}:{port}/postgres"
            with suppress(psycopg.Error), psycopg.connect(where, connect_timeout=2) as owner:
                (is_standby,) = owner.execute("SELECT pg_is_in_recovery()").fetchone() or (True,)
                nodes |= set() if is_standby else {node}
        return nodes

    def postmaster(self, node: str) -> int:
        return int((self.folder / node / "postmaster.pid").read_text().split()[0])

    def senders(self, node: str) -> list[int]:
        """Return the processes by which a primary sends its WAL."""
        children = Path(f"/proc/{self.postmaster(node)}/task/{self.postmaster(node)}/children")
        pids = [int(pid) for pid in children.read_text().split()]
        return [pid for pid in pids if "walsender" in Path(f"/proc/{pid}/cmdline").read_text()]

    def written_as_told(self) -> int:
        """Return how far the primary has written its WAL, as its Patroni last told etcd, in bytes."""
        key = b64encode(b"/service/wardbook/status").decode()
        answer = httpx2.post(f"http://{self.etcd[0]}/v3/kv/range", json={"key": key}, timeout=5)
        return int(json.loads(b64decode(answer.json()["kvs"][0]["value"]))["optime"])

    def kill(self, node: str, senders: Iterable[int] = ()) -> None:
        """Let a machine die: its Patroni and its PostgreSQL, at once."""
        postmaster = self.postmaster(node)
        self.processes[node].end()
        for pid in (postmaster, *senders):
            os.kill(pid, signal.SIGKILL)


def _leads(node: dict[str, Any]) -> bool:
    return node["role"] in ("primary", "master")


def gap(times: list[float], begin: float) -> float:
    """Return the longest time without a success since a moment."""
    relevant = [begin, *(t for t in times if t >= begin)]
    return max((b - a for a, b in pairwise(relevant)), default=0.0)


@pytest.fixture
def house() -> Iterator[House]:
    folder = Path(tempfile.mkdtemp(prefix="wardbook-ha-"))
    folder.chmod(0o755)
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    made = House(folder, user, None if user is None or reason_without() else Network(3))
    try:
        start(made)
        yield made
    finally:
        for name, process in reversed(made.processes.items()):
            if name.startswith("node"):
                with suppress(OSError, ValueError):
                    os.kill(made.postmaster(name), signal.SIGQUIT)
            process.end()
        if made.network:
            made.network.close()
        if not os.environ.get("WARDBOOK_KEEP_LOGS"):
            shutil.rmtree(folder)


def start(house: House) -> None:
    """Start three nodes, each with its etcd, HAProxy, two servers and two workers."""
    folder = house.folder
    own = folder / "own"
    own.mkdir()
    if house.user:
        os.chown(own, house.user.pw_uid, house.user.pw_gid)
    house.etcd = [f"{house.host(node)}:{free_port()}" for node in range(3)]
    peers = [f"http://{house.host(node)}:{free_port()}" for node in range(3)]
    for node, (client, peer) in enumerate(zip(house.etcd, peers, strict=True)):
        within = house.within(node)
        etcd = [
            *("etcd", "--data-dir", str(own / f"etcd{node}"), "--name", f"etcd{node}"),
            *("--listen-client-urls", f"http://{client}"),
            *("--advertise-client-urls", f"http://{client}"),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", ",".join(f"etcd{n}={url}" for n, url in enumerate(peers))),
        ]
        house.add(f"etcd{node}", [*within, *etcd], {}, user=not within)
    patroni = (CONFIGS / "patroni.yml").read_text()
    if TTL:
        for name, before, after in (("ttl", 20, TTL), ("loop_wait", 2, 1), ("retry_timeout", 5, 3)):
            patroni = patroni.replace(f"{name}: {before}", f"{name}: {after}")
    (folder / "patroni.yml").write_text(patroni)
    haproxy: dict[str, str] = {}
    for number in (1, 2, 3):
        port, rest = free_port(), free_port()
        house.postgres_ports.append(port)
        house.rest_ports.append(rest)
        data = folder / f"node{number}"
        data.mkdir(mode=0o700)
        if house.user:
            os.chown(data, house.user.pw_uid, house.user.pw_gid)
        host, within = house.host(number - 1), house.within(number - 1)
        haproxy |= {f"NODE_{number}": f"{host}:{port}", f"REST_{number}": str(rest)}
        house.add(
            f"node{number}",
            [*within, str(PATRONI / "patroni"), str(folder / "patroni.yml")],
            {
                "PATRONI_NAME": f"node{number}",
                "PATRONI_RESTAPI_LISTEN": f"{host}:{rest}",
                "PATRONI_RESTAPI_CONNECT_ADDRESS": f"{host}:{rest}",
                "PATRONI_POSTGRESQL_LISTEN": f"{host}:{port}",
                "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"{host}:{port}",
                "PATRONI_POSTGRESQL_DATA_DIR": str(data),
                "PATRONI_POSTGRESQL_BIN_DIR": str(program_folder()),
                "PATRONI_POSTGRESQL_PGPASS": str(own / f"pgpass{number}"),
                "PATRONI_ETCD3_HOSTS": ",".join(house.etcd),
                "PATRONI_SUPERUSER_USERNAME": "postgres",
                "PATRONI_SUPERUSER_PASSWORD": SECRET,
                "PATRONI_REPLICATION_USERNAME": "replicator",
                "PATRONI_REPLICATION_PASSWORD": SECRET,
            },
            user=not within,
        )
    house.primary_port, replicas = free_port(), free_port()
    haproxy |= {"PRIMARY": f"127.0.0.1:{house.primary_port}", "REPLICAS": f"127.0.0.1:{replicas}"}
    house.add("haproxy", [str(NEEDED[2]), "-f", str(CONFIGS / "haproxy.cfg")], haproxy)
    wait_until(house.is_whole, 120, "the cluster is whole")

    primary = {"PGHOST": "127.0.0.1", "PGPORT": str(house.primary_port), "PGUSER": "postgres"}
    secrets = {"PGPASSWORD": SECRET, "WARDBOOK_APP_PASSWORD": SECRET}
    path = {"PATH": f"{program_folder()}:{os.environ['PATH']}"}
    script = [str(CONFIGS / "database.sh")]
    subprocess.run(script, env={**primary, **secrets, **path}, check=True, timeout=30)
    migrate(Database(house.url))
    Database(house.url).open_log()
    environment = {
        "WARDBOOK_DATABASE_URL": house.url,
        "WARDBOOK_READ_DATABASE_URL": house.url.replace(f":{house.primary_port}/", f":{replicas}/"),
        "WARDBOOK_HOME": str(folder / "home"),
        "PYTHONUNBUFFERED": "1",
    }
    wardbook = [sys.executable, "-c", "from api.cli.main import main; main()"]
    environment["PYTHONPATH"] = str(CONFIGS.parents[1])
    for number in (1, 2):
        port = free_port()
        house.serve_ports.append(port)
        serve = [*wardbook, "serve", "--no-worker", "--port", str(port)]
        house.add(f"serve{number}", serve, environment)
        house.add(f"worker{number}", [*wardbook, "worker"], environment)

    def ready() -> bool:
        with suppress(httpx2.HTTPError):
            answers = [httpx2.get(f"http://127.0.0.1:{p}/readyz") for p in house.serve_ports]
            return all(answer.status_code == 200 for answer in answers)
        return False

    wait_until(ready, 240, "the servers are ready")


@contextmanager
def staff(house: House) -> Iterator[None]:
    """Write and read until the end, as clients do: a command again, with its id, until answered."""
    done = threading.Event()
    token = LocalTokens.of(house.folder / "home").make(subject="tester")

    def work(number: int) -> None:
        count = 0
        with httpx2.Client(timeout=5, headers={"Authorization": f"Bearer {token}"}) as http:
            while not done.is_set():
                count += 1
                mrn = f"S{number}-{count}"
                command = {"commandId": str(uuid4()), "mrn": mrn, "familyName": "Failover"}
                body = {"query": MUTATION, "variables": {"i": command}}
                sent = 0
                while not answered(post(http, house.serve_ports[(number + sent) % 2], body)):
                    sent += 1
                    if done.wait(0.1):
                        return
                house.acknowledged.add(mrn)
                house.times["write"].append(monotonic())
                query = {"query": f'{{ patient(mrn: "{mrn}") {{ mrn }} }}'}
                read = post(http, house.serve_ports[number % 2], query)
                if read and read.get("data") and read["data"]["patient"]:
                    house.times["read"].append(monotonic())
                done.wait(0.05)

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


@dataclass
class Subscriber:
    """A client that follows the feed, and after each break goes on from the last position it has."""

    house: House
    number: int
    after: str
    told: list[str] = field(default_factory=list)
    connections: int = 0

    def follow(self, done: threading.Event) -> None:
        """Follow until the end, at one server after the other."""
        token = LocalTokens.of(self.house.folder / "home").make(subject=f"follower{self.number}")
        login = {"Authorization": f"Bearer {token}"}
        while not done.is_set():
            port = self.house.serve_ports[(self.number + self.connections) % 2]
            self.connections += 1
            with (
                suppress(ConnectionClosed, InvalidHandshake, OSError, AssertionError),
                Client(f"ws://127.0.0.1:{port}/graphql", login) as client,
            ):
                client.subscribe(FOLLOW, after=self.after)
                while not done.is_set():
                    with suppress(TimeoutError):
                        event = client.next(timeout=1)
                        self.told.append(event["id"])
                        self.after = event["position"]
            done.wait(0.1)


@contextmanager
def subscribers(house: House) -> Iterator[list[Subscriber]]:
    """Let two clients follow the feed; in the end they are told all that there is."""
    log = Database(house.url).open_log()
    begin, done = encode_position(log.id, log.epoch, 0), threading.Event()
    made = [Subscriber(house, number, begin) for number in (0, 1)]
    threads = [threading.Thread(target=each.follow, args=(done,)) for each in made]
    for thread in threads:
        thread.start()
    try:
        yield made
        last = recorded(house)
        wait_until(lambda: all(set(last) <= set(each.told) for each in made), 60, "all is told")
    finally:
        done.set()
        for thread in threads:
            thread.join()


def recorded(house: House) -> list[str]:
    """Return the ids of all events that the feed tells, in their order."""
    token = LocalTokens.of(house.folder / "home").make(subject="reader")
    with httpx2.Client(timeout=30, headers={"Authorization": f"Bearer {token}"}) as http:
        ids, after = list[str](), None
        while True:
            body = {"query": PAGE, "variables": {"after": after}}
            page = (post(http, house.serve_ports[0], body) or {})["data"]["events"]
            ids += [event["id"] for event in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return ids


def post(http: httpx2.Client, port: int, body: dict[str, Any]) -> dict[str, Any] | None:
    with suppress(httpx2.HTTPError, json.JSONDecodeError):
        answer: dict[str, Any] = http.post(f"http://127.0.0.1:{port}/graphql", json=body).json()
        return answer
    return None


def answered(answer: dict[str, Any] | None) -> bool:
    """Return whether a command is recorded, as its client was told."""
    data = (answer or {}).get("data")
    name = data["registerPatient"]["__typename"] if data else ""
    return bool(name.endswith("Recorded") or name == "RecordedNotYetReadable")


def test_a_standby_leads_though_the_dead_primary_wrote_what_nobody_has(house: House) -> None:
    """With ``maximum_lag_on_failover: 0`` nobody led until the dead one was back.

    Of that it had told etcd, and acknowledged none. The synchronous standby has all that was.
    """
    node = house.leading()
    senders = house.senders(node)
    assert len(senders) == 2
    for pid in senders:
        os.kill(pid, signal.SIGSTOP)
    with psycopg.connect(house.url, autocommit=True) as owner:
        owner.execute("SET synchronous_commit = local")
        owner.execute("SELECT pg_logical_emit_message(true, 'wardbook', 'for nobody')")
        (written,) = owner.execute(
            "SELECT (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::bigint"
        ).fetchone() or (0,)
    wait_until(lambda: house.written_as_told() >= written, 30, "etcd is told")
    house.kill(node, senders)
    wait_until(lambda: house.leader() not in (None, node), 60, "another leads")
    house.processes[node].start()
    wait_until(house.is_whole, 120, "the cluster is whole")


def test_nothing_acknowledged_is_lost_whatever_dies(house: House) -> None:
    figures: dict[str, str] = {}

    def during(name: str, act: Callable[[], None], limit: float) -> None:
        """Break something, wait until all is whole again, and hold the gaps to a limit."""
        begin, writes = monotonic(), len(house.times["write"])
        act()
        wait_until(lambda: len(house.times["write"]) > writes + 20, limit + 60, f"writes: {name}")
        wait_until(house.is_whole, 120, f"the cluster is whole after: {name}")
        gaps = [gap(house.times[kind], begin) for kind in ("write", "read")]
        figures[name] = f"writes {gaps[0]:.1f} s, reads {gaps[1]:.1f} s"
        print(f"{name}: {figures[name]}", flush=True)
        assert max(gaps) < limit, figures

    leading = house.leading

    def switch_over() -> None:
        node = int(leading()[-1]) - 1
        rest = f"{house.host(node)}:{house.rest_ports[node]}"
        answer = httpx2.post(f"http://{rest}/switchover", json={"leader": leading()}, timeout=60)
        assert answer.status_code == 200, answer.text

    def kill_postmaster() -> None:
        os.kill(house.postmaster(leading()), signal.SIGKILL)

    def kill_node() -> None:
        node = leading()
        house.kill(node)
        wait_until(lambda: house.leader() not in (None, node), 60, "another leads")
        house.processes[node].start()

    def fence_node() -> None:
        """Kill a node, and let the fencing agent say so, as it does once the power is cut."""
        node = leading()
        house.kill(node)
        etcd = f"http://{house.etcd[int(node[-1]) % 3]}"
        subprocess.run([str(CONFIGS / "fenced.sh"), node, etcd], check=True)
        wait_until(lambda: house.leader() not in (None, node), 60, "another leads")
        house.processes[node].start()

    def lose_etcd(members: list[int]) -> None:
        for member in members:
            house.processes[f"etcd{member}"].end()
        threading.Event().wait(15)
        for member in members:
            house.processes[f"etcd{member}"].start()

    def lead_of_etcd() -> int:
        """Return the member of etcd that leads the others."""
        for member, address in enumerate(house.etcd):
            url = f"http://{address}/v3/maintenance/status"
            status = httpx2.post(url, json={}, timeout=5).json()
            if status["leader"] == status["header"]["member_id"]:
                return member
        raise AssertionError("no member leads")

    def cut_network() -> None:
        """The primary and its etcd reach none of the other nodes; clients reach all three."""
        network, node = house.network, int(leading()[-1]) - 1
        assert network is not None
        others = [a for n, a in enumerate(network.nodes) if n != node]
        network.cut(node, others)
        seen: list[set[int]] = []
        try:

            def another_leads() -> bool:
                primaries = house.primaries() & house.primaries()  # not one just before the other
                seen.append(primaries)
                return bool(primaries - {node})

            wait_until(another_leads, 60, "another leads")
            for _ in range(20):
                another_leads()
        finally:
            network.mend(node, others)
        assert max(map(len, seen)) == 1, f"two primaries at once: {seen}"

    with subscribers(house) as followers, staff(house):
        wait_until(lambda: len(house.times["write"]) > 20, 60, "staff write")
        during("switchover", switch_over, 20)
        during("postmaster killed", kill_postmaster, 30)
        during("dead node", kill_node, 60)
        during("dead node, fenced", fence_node, 20)
        during("leader of etcd lost for 15 s", lambda: lose_etcd([lead_of_etcd()]), 20)
        during("two of etcd lost for 15 s", lambda: lose_etcd([0, 1]), 40)
        if house.network:
            during("network cut", cut_network, 60)
        else:
            print(f"network cut: skipped, because {reason_without()}", flush=True)

    every = recorded(house)
    for follower in followers:
        assert follower.told == every, "a gap or a double"
    print(
        f"subscribers told {len(every)} events over {[f.connections for f in followers]} connections"
    )

    database = Database(house.url)
    with psycopg.connect(house.url) as owner:
        (events,) = owner.execute(
            "SELECT count(*) FROM record.events WHERE topic = 'patient.registered'"
        ).fetchone() or (0,)
    print(f"{len(house.acknowledged)} commands acknowledged, {events} recorded", flush=True)
    token = LocalTokens.of(house.folder / "home").make(subject="tester")
    with httpx2.Client(timeout=10, headers={"Authorization": f"Bearer {token}"}) as http:
        missing = [
            mrn
            for mrn in sorted(house.acknowledged)
            if not (
                post(http, house.serve_ports[0], {"query": f'{{patient(mrn: "{mrn}") {{mrn}}}}'})
                or {}
            )
            .get("data", {})
            .get("patient")
        ]
    assert missing == []
    assert events >= len(house.acknowledged) > 100
    assert [check.promise for check in verify(database) if check.broken] == []
