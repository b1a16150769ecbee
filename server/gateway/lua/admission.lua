-- The first step of the gateway: judges a request by its head, before any of its body is taken.
--
-- What has no token, or is too large by its own account, is refused. A body that is small may pass:
-- to hold it costs nothing, and the server judges the token of every call. Before one that is
-- large, or of unknown length, the server is asked (server/api/admission.py).
--
-- Whatever a handle returns is good until the next call that may wait, such as httpCall.
local contract = require("rest_contract")
local errors = require("errors")
local heads = require("heads")
local is_link = require("is_link")
local notes = require("notes")
local queries = require("queries")
local refuse = require("refusing")
local routes = require("routes")

-- `max_request_bytes` is set by whoever loads this module: it has to agree with the transcoder's
-- limit.
local admission = { max_request_bytes = nil }

-- Bytes of a body that anybody may have held for a moment.
local SMALL = 65536
local CLUSTER, JUDGE, WAIT_MS = "grpc", "/carillon.gateway.v1.Admission/Judge", 5000
-- A call that its replica never answered is made again, as the route does.
local TRIES = 3

local function is_grpc(content_type)
  return content_type == "application/grpc" or content_type:find("^application/grpc[+;]") ~= nil
end

-- Bytes that a request of the operation may have.
local function limit_of(operation)
  local limit = operation and operation.max_request_bytes or contract.default_request_bytes
  return math.min(limit, admission.max_request_bytes)
end

-- The transcoder knows GET alone.
local function take_head_as_get(handle, headers)
  if headers:get(":method") ~= "HEAD" then return end
  headers:replace(":method", "GET")
  notes.set(handle, "head", true)
end

-- What is wrong with a header that should be `Bearer <token>`, in the server's words; or nil.
local function problem_with(authorization)
  if not authorization then return "a bearer token is required" end
  local scheme, token = authorization:match("^([^ ]*) ?(.*)$")
  if scheme:lower() == "bearer" and token ~= "" then return nil end
  return "the authorization header must be 'Bearer <token>'"
end

local function require_token(handle, operation)
  local problem = not operation.public and problem_with(handle:headers():get("authorization"))
  if problem then refuse(handle, 401, errors.body("unauthenticated", problem)) end
end

local function check_query(handle, operation)
  local headers = handle:headers()
  if is_link(operation) then
    headers:replace(":path", queries.own(headers:get(":path"), operation))
  end
  local problems = queries.problems(headers:get(":path"), operation)
  if problems[1] then refuse(handle, operation.invalid_argument, errors.refusal(problems)) end
end

local function ask(handle, operation)
  local headers = handle:headers()
  return handle:httpCall(CLUSTER, {
    [":method"] = "POST", [":path"] = JUDGE, [":authority"] = "carillon",
    ["content-type"] = "application/grpc", te = "trailers",
    authorization = headers:get("authorization"), ["x-brand-id"] = headers:get("x-brand-id"),
    ["x-judged-method"] = "/" .. operation.rpc,
  }, nil, WAIT_MS)
end

local function require_admission(handle, operation)
  local answer
  for _ = 1, TRIES do
    answer = ask(handle, operation)
    if answer[":status"] ~= "503" then break end
  end
  if answer["x-admitted"] == "true" then return end
  local status, body = tonumber(answer["x-http-code"] or ""), answer["x-error-body"]
  local is_refusal = status and status >= 400 and status <= 599 and body
  if is_refusal then refuse(handle, status, body) end
  refuse(handle, 503, errors.body("unavailable"))
end

local function check(handle, operation)
  require_token(handle, operation)
  check_query(handle, operation)
  local headers = handle:headers()
  local length = tonumber(headers:get("content-length") or "")
  if length and length > limit_of(operation) then
    refuse(handle, 413, errors.body("payload_too_large"))
  end
  local has_body = operation.takes_body or headers:get("transfer-encoding")
  local may_be_large = has_body and not (length and length <= SMALL)
  if may_be_large and not operation.public then require_admission(handle, operation) end
end

local function take_grpc(handle, path)
  -- Less may be passed on.
  handle:headers():remove("content-length")
  local operation = routes.by_rpc[path:match("^/(.*)$")]
  notes.set(handle, "grpc", true)
  notes.set(handle, "limit", limit_of(operation))
end

local function take(handle)
  local headers = handle:headers()
  local problem = heads.problem(headers, handle:streamInfo():protocol())
  if problem then refuse(handle, 400, errors.body("malformed_request", problem)) end
  local path = headers:get(":path") or ""
  if is_grpc(headers:get("content-type") or "") then return take_grpc(handle, path) end
  -- The server would take it for its own deadline.
  headers:remove("grpc-timeout")
  local index, allow = routes.find(headers:get(":method"), path)
  if index then
    notes.set(handle, "operation", index)
    notes.set(handle, "limit", limit_of(contract.operations[index]))
    take_head_as_get(handle, headers)
    check(handle, contract.operations[index])
  elseif allow then
    refuse(handle, 405, errors.body("method_not_allowed"), { allow = allow })
  else
    refuse(handle, 404, errors.body("route_not_found"))
  end
end

-- Envoy goes on with a request that ends its script with an error: it would be passed on unseen.
function admission.on_request(handle)
  if pcall(take, handle) then return end
  handle:logErr("a request could not be looked at")
  refuse(handle, 500, errors.body("internal"))
end

return admission
