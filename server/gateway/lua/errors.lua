-- Every error as the contract has it: {"error": code, "message": text, "details"?: {…}} and its
-- HTTP status.
local json = require("json")
local refusals = require("refusals")

local errors = {}

-- gRPC codes: https://grpc.io/docs/guides/status-codes/
local CANCELLED, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = 1, 3, 4, 5
local PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION = 7, 8, 9
local UNIMPLEMENTED, UNAVAILABLE, UNAUTHENTICATED = 12, 14, 16

local TEXT = {
  deadline_exceeded = "the answer did not come in time; it may still take effect: "
    .. "ask again with the same idempotency key",
  internal = "something went wrong on our side",
  malformed_request = "the request could not be read",
  method_not_allowed = "this path does not have this method",
  overloaded = "too many requests at once; try again later",
  payload_too_large = "the request is larger than this service accepts",
  route_not_found = "there is nothing at this path",
  scope_missing = "the token does not allow this",
  unauthenticated = "a valid bearer token is needed",
  unavailable = "the service cannot answer now; try again with the same idempotency key",
}

local STATUS = {
  deadline_exceeded = 504, internal = 500, malformed_request = 400, overloaded = 429,
  payload_too_large = 413, route_not_found = 404, scope_missing = 403, unauthenticated = 401,
  unavailable = 503,
}

-- What a code means when nobody says it better: such errors come from gRPC itself, and their text
-- is not for clients.
local BY_CODE = {
  [CANCELLED] = "unavailable",
  [INVALID_ARGUMENT] = "malformed_request",
  [DEADLINE_EXCEEDED] = "deadline_exceeded",
  [NOT_FOUND] = "route_not_found",
  [PERMISSION_DENIED] = "scope_missing",
  [RESOURCE_EXHAUSTED] = "overloaded",
  [UNIMPLEMENTED] = "route_not_found",
  [UNAVAILABLE] = "unavailable",
  [UNAUTHENTICATED] = "unauthenticated",
}

local LOCAL = {
  [404] = "route_not_found", [408] = "deadline_exceeded", [413] = "payload_too_large",
  [429] = "overloaded", [503] = "unavailable", [504] = "deadline_exceeded",
}

-- The body of an error. Without `message` the fixed text of `code`; `details` is left out when nil
-- or empty.
function errors.body(code, message, details)
  local text = message or TEXT[code] or TEXT.internal
  local parts = { '{"error":', json.encode(code), ',"message":', json.encode(text) }
  if details and next(details) then parts[#parts + 1] = ',"details":' .. json.encode(details) end
  parts[#parts + 1] = "}"
  return table.concat(parts)
end

local function http_status(code, error_code, operation)
  if code == INVALID_ARGUMENT and operation then return operation.invalid_argument end
  if code == FAILED_PRECONDITION then return operation and operation.failed_precondition or 412 end
  return STATUS[error_code] or STATUS[BY_CODE[code]] or 500
end

local function detail(status, kind)
  for _, candidate in ipairs(status.details or {}) do
    if candidate["@type"] == "type.googleapis.com/google.rpc." .. kind then return candidate end
  end
  return nil
end

local function details_of(status, info)
  local details = {}
  for key, value in pairs(info.metadata or {}) do details[key] = value end
  local bad_request = detail(status, "BadRequest")
  if bad_request and #(bad_request.field_violations or {}) > 0 then
    details.fields = setmetatable({}, json.List)
    for index, violation in ipairs(bad_request.field_violations) do
      details.fields[index] = { field = violation.field, message = violation.description }
    end
  end
  return details
end

-- HTTP status and body for an error of the server, from the transcoder's JSON of its
-- google.rpc.Status. Where that is missing (a detail that is not in the descriptor), `grpc_status`
-- still tells the kind of error.
function errors.from_server(text, grpc_status, operation)
  local status = json.decode(text) or {}
  local code = status.code or grpc_status
  local info = type(status.details) == "table" and detail(status, "ErrorInfo")
  if info then
    local error_code = info.reason:lower()
    local body = errors.body(error_code, status.message, details_of(status, info))
    return http_status(code, error_code, operation), body
  end
  local error_code = BY_CODE[code] or "internal"
  if code == RESOURCE_EXHAUSTED and (status.message or ""):find("larger than max", 1, true) then
    error_code = "payload_too_large"
  end
  return http_status(code, error_code, operation), errors.body(error_code)
end

local function malformed(message, details)
  return errors.body("malformed_request", message, details)
end

-- The body of the refusal for `problems`, of which there is at least one.
function errors.refusal(problems)
  return malformed(refusals.summary(problems))
end

-- HTTP status and body for an answer that Envoy made up itself; `reason` is its response code
-- detail, `text` its body. `refusal` has status and body for a request that the gateway itself did
-- not let the transcoder read.
function errors.from_envoy(status, reason, text, operation, refusal)
  if status == 400 and reason:find("grpc_json_transcode_failure", 1, true) then
    if refusal then return refusal.status, refusal.body end
    local message, fields = refusals.explain(text)
    return operation and operation.invalid_argument or 400, malformed(message, { fields = fields })
  end
  if LOCAL[status] then return status, errors.body(LOCAL[status]) end
  -- Envoy's own word for a coding that it cannot take off (RFC 9112, 6.1).
  if status == 501 then
    return status, malformed("transfer-encoding must be chunked, without any other coding")
  end
  if status >= 500 then return 500, errors.body("internal") end
  if status == 431 then
    return status, malformed("the URL and the headers are larger than this service accepts")
  end
  if reason:find("underscore", 1, true) then
    return status, malformed("names of headers must not contain underscores")
  end
  return status, malformed()
end

return errors
