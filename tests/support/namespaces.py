"""Machines of their own on this one: network namespaces on a bridge, which can be cut from each other.

It takes root and `ip` of iproute2; see `reason_without`.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable


def run(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def reason_without() -> str | None:
    """Return why there can be no namespaces here; None if there can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "it takes root and the program `ip`"
    name = f"wbtry{os.getpid()}"
    try:
        run("netns", "add", name)
        run("netns", "delete", name)
    except subprocess.CalledProcessError as refused:
        return f"this machine allows no network namespaces: {refused.stderr.decode().strip()}"
    return None


class Network:
    """A bridge with an address of this machine, and a namespace with an address for each node."""

    def __init__(self, nodes: int) -> None:
        self._name, part = f"wb{os.getpid()}", f"10.231.{os.getpid() % 250}"
        self.clients = f"{part}.1"
        self.nodes = [f"{part}.{10 + n}" for n in range(nodes)]
        run("link", "add", self._name, "type", "bridge")
        run("address", "add", f"{self.clients}/24", "dev", self._name)
        run("link", "set", self._name, "up")
        for n, address in enumerate(self.nodes):
            space, outer = self._space(n), f"{self._name}v{n}"
            run("netns", "add", space)
            run("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
            run("link", "set", outer, "master", self._name, "up")
            for device in ("lo", "eth0"):
                run("-n", space, "link", "set", device, "up")
            run("-n", space, "address", "add", f"{address}/24", "dev", "eth0")

    def _space(self, node: int) -> str:
        return f"{self._name}n{node}"

    def within(self, node: int, user: int, group: int) -> list[str]:
        """Return what a program's arguments begin with, so that it runs at a node as a user."""
        drop = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return ["ip", "netns", "exec", self._space(node), *drop]

    def cut(self, node: int, others: Iterable[str]) -> None:
        """Let nothing of a node reach some addresses, nor their answers come back."""
        for address in others:
            run("-n", self._space(node), "route", "add", "blackhole", f"{address}/32")

    def mend(self, node: int, others: Iterable[str]) -> None:
        for address in others:
            run("-n", self._space(node), "route", "delete", "blackhole", f"{address}/32")

    def close(self) -> None:
        for n in range(len(self.nodes)):
            run("netns", "delete", self._space(n))
        run("link", "delete", self._name)
