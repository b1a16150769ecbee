-- The two steps of the gateway around the transcoder: a request is checked before it is read there,
-- an answer gets its documented shape after.
--
-- Of gRPC calls (`content-type: application/grpc`) nothing is looked at but head and length. What
-- the request step learns is left for the response step in the stream's metadata, because the
-- transcoder replaces method and path.
--
-- Whatever a handle returns is good until the next call that may wait (body, trailers, bodyChunks):
-- headers are asked for again after it.
local contract = require("rest_contract")
local errors = require("errors")
local heads = require("heads")
local is_grpc = require("is_grpc")
local is_link = require("is_link")
local messages = require("messages")
local notes = require("notes")
local nulls = require("nulls")
local pass_body = require("passing")
local queries = require("queries")
local refuse = require("refusing")
local routes = require("routes")
local tokens = require("tokens")

-- `max_request_bytes` is set by whoever loads this module: it has to agree with the transcoder's
-- limit.
local rest = { max_request_bytes = nil }

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

-- The transcoder knows GET alone.
local function take_head_as_get(handle, headers)
  if headers:get(":method") ~= "HEAD" then return end
  headers:replace(":method", "GET")
  notes.set(handle, "head", true)
end

-- Bytes that a request of the operation may have; of a method that is not of the contract, as most.
local function limit_of(operation)
  local limit = operation and operation.max_request_bytes or contract.default_request_bytes
  return math.min(limit, rest.max_request_bytes)
end

local function check_query(handle, operation)
  local headers = handle:headers()
  if is_link(operation) then
    headers:replace(":path", queries.own(headers:get(":path"), operation))
  end
  local problems = queries.problems(headers:get(":path"), operation)
  if problems[1] then refuse(handle, operation.invalid_argument, errors.refusal(problems)) end
end

local function check_head(handle, operation, limit)
  local headers = handle:headers()
  local problem = not operation.public and tokens.problem(headers:get("authorization"))
  if problem then refuse(handle, 401, errors.body("unauthenticated", problem)) end
  check_query(handle, operation)
  local length = tonumber(headers:get("content-length") or "") or 0
  if length > limit then refuse(handle, 413, errors.body("payload_too_large")) end
end

local function check(handle, operation)
  local limit = limit_of(operation)
  check_head(handle, operation, limit)
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

local function take_grpc(handle, headers)
  notes.set(handle, "grpc", true)
  -- Less may be passed on.
  headers:remove("content-length")
  messages.pass(handle, limit_of(routes.by_rpc[headers:get(":path"):match("^/(.*)$")]))
end

local function take(handle)
  local headers = handle:headers()
  local problem = heads.problem(headers, handle:streamInfo():protocol())
  if problem then refuse(handle, 400, errors.body("malformed_request", problem)) end
  if is_grpc(headers:get("content-type")) then return take_grpc(handle, headers) end
  -- The server would take them for its own deadline, and for how the body is packed.
  headers:remove("grpc-timeout")
  headers:remove("grpc-encoding")
  local index, allow = routes.find(headers:get(":method"), headers:get(":path") or "")
  if index then
    notes.set(handle, "operation", index)
    take_head_as_get(handle, headers)
    check(handle, contract.operations[index])
  elseif allow then
    refuse(handle, 405, errors.body("method_not_allowed"), { allow = allow })
  else
    refuse(handle, 404, errors.body("route_not_found"))
  end
end

-- Envoy goes on with a request that ends its script with an error: it would be passed on unseen.
function rest.on_request(handle)
  if pcall(take, handle) then return end
  handle:logErr("a request could not be looked at")
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
