-- Finds what can be read in two ways in the head of a request, which Envoy itself lets pass.
local percent = require("percent")

local heads = {}

-- What they carry has a length in HTTP/1.0 (RFC 1945, 8.3). Envoy reads chunks there, too, which
-- others on the way take for the next request, and tells nobody of the header.
local BODIES = { POST = true, PUT = true, PATCH = true }

-- Several Host lines are one list by now, which is no name (RFC 9112, 3.2). Nobody has a user here.
local function is_one_host(authority)
  local name = authority:match("^(.-):?%d*$")
  return name:find("^[%w%._~%%-]*$") ~= nil or name:find("^%[[%x:%.]+%]$") ~= nil
end

-- What the server reads, as UTF-8. To go through all headers would cost each request more than all
-- other checks of them.
local READ = { "authorization", "idempotency-key", "x-brand-id" }

local function are_utf8(headers)
  for _, name in ipairs(READ) do
    local value = headers:get(name)
    if value and not percent.is_utf8(value) then return false end
  end
  return true
end

-- What is wrong with `headers`, for people, or nil.
function heads.problem(headers, protocol)
  if not are_utf8(headers) then return "headers must be UTF-8" end
  if not is_one_host(headers:get(":authority") or "") then
    return "host must be one name or address, with or without a port"
  end
  local has_length = headers:get("content-length")
  if protocol == "HTTP/1.0" and BODIES[headers:get(":method")] and not has_length then
    return "with HTTP/1.0 the request must say its content-length"
  end
  if not percent.is_sound((headers:get(":path") or ""):gsub("%?.*", "")) then
    return "the path must be percent-encoded UTF-8"
  end
  return nil
end

return heads
