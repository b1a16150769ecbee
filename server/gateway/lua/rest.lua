-- The second and the third step of the gateway: the body of a request is checked before the
-- transcoder reads it, an answer gets its documented shape after. Of gRPC calls
-- (`content-type: application/grpc`) nothing is looked at but their length.
--
-- Whatever a handle returns is good until the next call that may wait (body, trailers, bodyChunks):
-- headers are asked for again after it.
local bodies = require("bodies")
local contract = require("rest_contract")
local errors = require("errors")
local is_link = require("is_link")
local messages = require("messages")
local notes = require("notes")
local nulls = require("nulls")
local refuse = require("refusing")

local rest = {}

-- What Envoy says of an answer the request step gave.
local ANSWERED_HERE = "lua_response"

-- Nothing of gRPC or of Envoy's own is for REST clients.
local INTERNAL_HEADERS = {
  "grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding", "grpc-accept-encoding",
  "x-http-code", "x-local-reply",
}

local function is_json(content_type)
  local kind, parameters = content_type:lower():match("^%s*([^;%s]+)%s*(.*)$")
  if kind ~= "application/json" then return false end
  local charset = parameters:match("charset%s*=%s*\"?([%w-]+)")
  return charset == nil or charset == "utf-8"
end

local function has_body(handle)
  local headers = handle:headers()
  local length = headers:get("content-length")
  if length then return length ~= "0" end
  -- Chunks and HTTP/2 say it only by ending the stream; without a type or a length there is hardly
  -- ever more than nothing to wait for.
  local body = handle:body()
  return body ~= nil and body:length() > 0
end

local function refuse_media_type(handle, message)
  refuse(handle, 415, errors.body("unsupported_media_type", message))
end

-- Whether there may be a body; it is JSON then.
local function check_media_type(handle)
  local content_type = handle:headers():get("content-type")
  if content_type == nil and not has_body(handle) then return false end
  local encoding = handle:headers():get("content-encoding")
  if encoding and encoding ~= "identity" then
    refuse_media_type(handle, "send the body without content-encoding")
  end
  if content_type == nil or not is_json(content_type) then
    refuse_media_type(handle, "send the body as content-type: application/json")
  end
  return true
end

-- The transcoder would read any body as JSON, also where the operation takes none.
local function drop_body(handle)
  local headers = handle:headers()
  for _, name in ipairs({ "content-type", "content-length" }) do headers:remove(name) end
  for chunk in handle:bodyChunks() do chunk:setBytes("") end
end

-- Mail programs may send what they like with a one-click unsubscribe (RFC 8058).
local function refuse_body(handle, operation)
  if not is_link(operation) and has_body(handle) then
    local body = errors.body("malformed_request", "this method takes no body")
    refuse(handle, operation.invalid_argument, body)
  end
end

-- What of `text`, the next piece of a body, is to be passed on: no more after a fault of our own.
local function readable(reader, text)
  if reader.has_failed then return "" end
  local ok, passed = pcall(bodies.read, reader, text)
  if ok then return passed end
  reader.has_failed = true
  return bodies.NOT_JSON
end

-- What is to be answered to a body of which no more is passed on, so that nobody after this sees
-- how long it is.
local function refusal_of(reader, is_too_large, operation)
  if reader.has_failed then return { status = 500, body = errors.body("internal") } end
  if is_too_large then return { status = 413, body = errors.body("payload_too_large") } end
  if not reader.problems[1] then return nil end
  return { status = operation.invalid_argument, body = errors.refusal(reader.problems) }
end

-- Passes on what the transcoder may read. It answers an incomplete body, and the response step then
-- says why it was.
local function pass_body(handle, operation, limit)
  local reader, total = bodies.reader(operation.request), 0
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    total = total + length
    if total > limit then
      chunk:setBytes(bodies.cut(reader))
    elseif length > 0 then
      local text = chunk:getBytes(0, length)
      local passed = readable(reader, text)
      if passed ~= text then chunk:setBytes(passed) end
    end
    local refusal = refusal_of(reader, total > limit, operation)
    if refusal then notes.set(handle, "refusal", refusal) end
  end
end

local function check(handle, operation, limit)
  if not operation.takes_body then
    refuse_body(handle, operation)
    drop_body(handle)
  elseif check_media_type(handle) then
    if operation.raw_request then
      messages.pass_raw(handle, limit)
    else
      pass_body(handle, operation, limit)
    end
  end
end

-- Envoy goes on with a request that ends its script with an error: it would be passed on unseen.
function rest.on_request(handle)
  local known = notes.of(handle)
  local ok
  if known.grpc then
    ok = pcall(messages.pass, handle, known.limit)
  else
    ok = pcall(check, handle, contract.operations[known.operation], known.limit)
  end
  if ok then return end
  handle:logErr("a body could not be looked at")
  refuse(handle, 500, errors.body("internal"))
end

local function strip(headers)
  for _, name in ipairs(INTERNAL_HEADERS) do headers:remove(name) end
end

local function set_length(headers, known, text)
  -- To a HEAD, Envoy makes an answer of its own up without its text.
  if known.head and headers:get("x-local-reply") then
    headers:remove("content-length")
  else
    headers:replace("content-length", tostring(#text))
  end
end

local function answer_with(handle, known, status, text, content_type)
  handle:body(true):setBytes(known.head and "" or text)
  local trailers = handle:trailers()
  if trailers then strip(trailers) end
  local headers = handle:headers()
  set_length(headers, known, text)
  strip(headers)
  headers:replace(":status", tostring(status))
  headers:replace("content-type", content_type or "application/json")
  if status == 401 then headers:replace("www-authenticate", "Bearer") end
end

local function read_body(handle)
  local body = handle:body()
  return body and body:length() > 0 and body:getBytes(0, body:length()) or ""
end

-- The HTTP status the server named for a failure: in headers, or in trailers when it had sent
-- headers before it failed.
local function named_status(headers, trailers)
  local text = headers:get("x-http-code") or trailers and trailers:get("x-http-code")
  local named = tonumber(text or "")
  return named and named >= 400 and named <= 599 and named or nil
end

local function shape(handle, operation, refusal)
  local text = read_body(handle)
  local trailers = handle:trailers()
  local headers = handle:headers()
  local status = tonumber(headers:get(":status"))
  local reason = headers:get("x-local-reply")
  if reason then return errors.from_envoy(status, reason, text, operation, refusal) end
  if status == 200 and operation.raw then
    return operation.success, text, headers:get("content-type")
  end
  if status == 200 then return operation.success, nulls.fill(text, operation.response) end
  local grpc_status = tonumber(headers:get("grpc-status") or "")
  local derived, body = errors.from_server(text, grpc_status, operation)
  return named_status(headers, trailers) or derived, body
end

local function pass_events(handle, operation)
  strip(handle:headers())
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    if length > 0 then
      chunk:setBytes(nulls.fill_events(chunk:getBytes(0, length), operation.response))
    end
  end
end

function rest.on_response(handle)
  local known = notes.of(handle)
  local headers = handle:headers()
  if known.grpc or headers:get("x-local-reply") == ANSWERED_HERE then
    headers:remove("x-local-reply")
    return
  end
  -- The answer to a preflight comes from the filter before this one, and is all in its headers.
  if headers:get("access-control-allow-methods") then return end
  local operation = contract.operations[known.operation]
  headers:replace("cache-control", "no-store")
  if headers:get("content-type") == "text/event-stream" then
    pass_events(handle, operation)
    return
  end
  local ok, status, text, content_type = pcall(shape, handle, operation, known.refusal)
  if not ok then
    handle:logErr("an answer could not be shaped")
    status, text, content_type = 500, errors.body("internal"), nil
  end
  answer_with(handle, known, status, text, content_type)
end

return rest
