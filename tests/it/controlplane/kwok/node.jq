# Which step a kwok node takes next; see pod.jq.
(.metadata.annotations["test.fleetdeck/fault"] == "notready") as $down
| ([.status.conditions[]? | select(.type == "Ready") | .status] | first == "True") as $ready
| if $down and $ready then "node-down" elif ($down | not) and ($ready | not) then "node-up" else "stay" end
