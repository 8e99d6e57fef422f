# Which step a pod on a kwok node takes next. Each step of pod.yaml matches one answer, so that no two match at once
# (kwok would draw one at random). "stay" and "over" match none.
(.metadata.annotations // {}) as $note
| ($note["test.fleetdeck/fault"] // "") as $fault
| ($note["test.fleetdeck/container"] // .spec.containers[0].name) as $target
| (.status.initContainerStatuses // []) as $init
| (.status.containerStatuses // []) as $main
| ($init | map(.state.running != null) | index(true)) as $running
| ($init | map(.state.terminated == null) | index(true)) as $unfinished
| ([$init[$unfinished // empty], (if $unfinished == null then $main[] else empty end)]
    | map(select(.name == $target and .state.waiting != null)) | first) as $due
| ($main | map(select(.name == $target)) | first) as $hit
| ([.status.conditions[]? | select(.type == "Ready") | .status] | first) as $ready
| if .metadata.deletionTimestamp != null then
    if $fault == "stuck-terminating" then "stay" else "delete" end
  elif .status.phase == "Succeeded" or .status.phase == "Failed" then "over"
  elif .status.podIP == null then "admit"
  elif $unfinished == null
    and ($main | any(.state.waiting.reason // "" | IN("PodInitializing", "ContainerCreating", "ErrImagePull", "ImagePullBackOff"))
              and any(.state.waiting != null and ($fault != "imagepull" or .name != $target))) then "start"
  elif $fault == "imagepull" and $running == null and $due != null and $due.state.waiting.reason != "CrashLoopBackOff" then
    {ErrImagePull: "pull-backoff", ImagePullBackOff: "pull-again"}[$due.state.waiting.reason // ""] // "pull-fail"
  elif $unfinished != null then
    if $running != null then
      {"stuck-init-\($running)": "stay", "fail-init-\($running)": "init-fail"}[$fault] // "init-done"
    elif $init[$unfinished].state.waiting.reason == "CrashLoopBackOff" then "init-retry"
    else "init-start"
    end
  elif ($fault == "crashloop" or $fault == "oom") and $hit.state.running != null then "crash"
  elif ($main | any(.state.terminated != null)) then
    if .spec.restartPolicy == "Never" then "failed" else "backoff" end
  elif ($main | any(.state.waiting.reason == "CrashLoopBackOff")) then "restart"
  elif $fault == "unready" then
    if $ready == "True" or ($main | any(.ready != (.name != $target))) then "unready" else "stay" end
  elif $ready != "True" then "ready"
  elif .spec.restartPolicy != "Always" then "complete"
  else "stay"
  end
