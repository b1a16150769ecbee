-- What the steps of the gateway note about a request for those after them, in the stream's
-- metadata, because the transcoder replaces method and path.
local notes = {}

local NAMESPACE = "carillon"

function notes.set(handle, key, value)
  handle:streamInfo():dynamicMetadata():set(NAMESPACE, key, value)
end

-- All that was noted so far: `operation`, its index in the contract, or `grpc`; `head`; `refusal`,
-- what to answer to a body that was not passed on.
function notes.of(handle)
  return handle:streamInfo():dynamicMetadata():get(NAMESPACE) or {}
end

return notes
