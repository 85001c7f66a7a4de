#!/bin/sh
# Let a standby take over at once from a node that is fenced: fenced.sh NODE http://ETCD:2379
# For the fencing agent, after it has cut the machine's power: otherwise its key lasts for Patroni's ttl of 20 s.
set -eu
node=$1 etcd=$2 key=/service/wardbook/leader

encode() { printf %s "$1" | base64 | tr -d '\n'; }

answer=$(curl --fail --silent --show-error --max-time 5 "$etcd/v3/kv/txn" --data "{
  \"compare\": [{\"target\": \"VALUE\", \"key\": \"$(encode "$key")\", \"value\": \"$(encode "$node")\"}],
  \"success\": [{\"requestDeleteRange\": {\"key\": \"$(encode "$key")\"}}]}")
case $answer in
  *'"succeeded":true'*) echo "$node leads no longer" ;;
  *) echo "$node does not lead" >&2; exit 1 ;;
esac
