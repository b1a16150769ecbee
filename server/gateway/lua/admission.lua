-- The first step of the gateway: before a body is taken that is large, or of unknown length, the
-- server is asked whether the caller may call the method (server/api/admission.py).
--
-- A small body passes: to hold it costs nothing, and the server judges the token of every call.
-- What is no request at all, or has no token, is left to the next step, which refuses it.
--
-- Whatever a handle returns is good until the next call that may wait, such as httpCall.
local contract = require("rest_contract")
local errors = require("errors")
local is_grpc = require("is_grpc")
local refuse = require("refusing")
local routes = require("routes")

local admission = {}

-- Bytes of a body that anybody may have held for a moment.
local SMALL = 65536
-- Of others, a body of unknown length has a transfer coding.
local BODIES = { POST = true, PUT = true, PATCH = true }
local CLUSTER, JUDGE, WAIT_MS = "grpc", "/carillon.gateway.v1.Admission/Judge", 5000
-- A call that its replica never answered is made again, as the route does.
local TRIES = 3

local function may_be_large(headers)
  local length = tonumber(headers:get("content-length") or "")
  if length then return length > SMALL end
  return BODIES[headers:get(":method")] or headers:get("transfer-encoding")
end

-- What the request asks for, if it has a token and needs one. The server judges gRPC calls before
-- it takes anything of them.
local function judged_operation(headers)
  if is_grpc(headers:get("content-type")) or not headers:get("authorization") then return nil end
  local index = routes.find(headers:get(":method"), headers:get(":path") or "")
  local operation = index and contract.operations[index]
  return operation and not operation.public and operation
end

local function ask(handle, operation)
  local headers = handle:headers()
  return handle:httpCall(CLUSTER, {
    [":method"] = "POST", [":path"] = JUDGE, [":authority"] = "carillon",
    ["content-type"] = "application/grpc", te = "trailers",
    authorization = headers:get("authorization"), ["x-brand-id"] = headers:get("x-brand-id"),
    ["x-judged-method"] = "/" .. operation.rpc,
    ["x-forwarded-for"] = headers:get("x-forwarded-for"),
  }, nil, { timeout_ms = WAIT_MS, send_xff = false })
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

local function take(handle)
  local headers = handle:headers()
  local operation = may_be_large(headers) and judged_operation(headers)
  if operation then require_admission(handle, operation) end
end

-- Envoy goes on with a request that ends its script with an error: it would be passed on unseen.
function admission.on_request(handle)
  if pcall(take, handle) then return end
  handle:logErr("a request could not be judged")
  refuse(handle, 500, errors.body("internal"))
end

return admission
