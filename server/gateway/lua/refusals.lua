-- Says in a client's words why the transcoder could not read a request, or why the gateway did not
-- let it.
--
-- The transcoder's own text names protobuf types and repeats the value, which may be personal; only
-- field names that are part of the contract or short and plain are repeated here.
local contract = require("rest_contract")
local json = require("json")

local refusals = {
  UNKNOWN_FIELD = "is not a field of this request",
  UNKNOWN_PARAMETER = "is not a query parameter of this path",
  GIVEN_TWICE = "must be given only once",
  IN_PATH = "is in the path and must not be in the query",
  NO_VALUE = "has no value",
  ENCODING = "must be percent-encoded UTF-8",
}

-- As many problems are told one by one, and as many of these in the message, too.
local MOST, MOST_IN_MESSAGE = 20, 3

local EXPECTED = {
  ["TYPE_STRING"] = "must be a string",
  ["TYPE_BOOL"] = "must be true or false",
  ["TYPE_INT32"] = "must be a whole number",
  ["TYPE_UINT32"] = "must be a whole number",
  ["TYPE_INT64"] = "must be a whole number",
  ["TYPE_UINT64"] = "must be a whole number",
  ["TYPE_DOUBLE"] = "must be a number",
  ["TYPE_FLOAT"] = "must be a number",
  ["TYPE_BYTES"] = "must be a base64 string",
  ["type.googleapis.com/google.protobuf.Timestamp"] =
    "must be an RFC 3339 time with an offset, such as 2030-01-31T12:00:00Z",
  ["type.googleapis.com/google.protobuf.Struct"] = "must be an object",
}

-- The parser's own words for what is wrong with JSON. Others can quote the body.
local SYNTAX = {
  ["Expected , or } after key:value pair."] = "expected , or } after a value",
  ["Expected , or ] after array value."] = "expected , or ] after a list item",
  ["Expected : between key:value pair."] = "expected : after a key",
  ["Expected an object key or }."] = "expected a key or }",
  ["Unexpected end of string. Expected an object key or }."] =
    "it ends where a key or } was expected",
  ["Unexpected end of string. Expected a value."] = "it ends where a value was expected",
  ["Unexpected end of string. Expected , or } after key:value pair."] =
    "it ends where , or } was expected",
  ["Unexpected end of string. Expected : between key:value pair."] = "it ends where : was expected",
  ["Parsing terminated before end of input."] = "there is more after its end",
  ["Encountered non UTF-8 code points."] = "it is not UTF-8",
  ["Missing low surrogate."] = "a \\u escape is half of a pair",
}

local function plain(name)
  if #name <= 64 and name:find("^[%w_%.%[%]]+$") then return name end
  return nil
end

local function of_field(field, problem)
  field = field and plain(field)
  if not field then return "a field " .. problem end
  return field .. " " .. problem, setmetatable({ { field = field, message = problem } }, json.List)
end

local function expected(kind)
  if EXPECTED[kind] then return EXPECTED[kind] end
  local values = contract.enums[kind:match("^type%.googleapis%.com/(.*)$") or ""]
  return values and "must be one of " .. values or "must be an object"
end

-- Inside a list the parent is already the field.
local function parent_and(parent, field)
  local is_field = parent == "" or parent == field or parent:sub(-#field - 1) == "." .. field
  return is_field and field or parent .. "." .. field
end

local OBJECT_FOR_SCALAR =
  "^(.-): invalid value Starting an object on a scalar field for type ([^ ]+)$"

local function of_value(text)
  local parent, scalar = text:match(OBJECT_FOR_SCALAR)
  if parent then return of_field(parent_and(parent, scalar), "must not be an object") end
  local field = text:match("^(.-): invalid value ")
  local kind = text:match(" for type ([^ ]+)$")
  if field and kind then return of_field(field, expected(kind)) end
  return nil
end

-- Adds to `problems` one of `name`, which the client wrote, in the message at `parent` (such as
-- "recipients[3].").
function refusals.add(problems, parent, name, problem)
  if #problems == MOST then
    problems.left_out = (problems.left_out or 0) + 1
    return
  end
  if #name > 64 or not name:find("^[%w_-]+$") then
    name, problem = "?", problem .. "; its name is not repeated here"
  end
  problems[#problems + 1] = { field = parent .. name, message = problem }
end

-- A message for people and the details of `problems`, of which there is at least one.
function refusals.summary(problems)
  local texts = {}
  for index = 1, math.min(#problems, MOST_IN_MESSAGE) do
    texts[index] = problems[index].field .. " " .. problems[index].message
  end
  if #problems > MOST_IN_MESSAGE then texts[#texts + 1] = "and more" end
  local left_out = problems.left_out and tostring(problems.left_out)
  local details = { fields = setmetatable(problems, json.List), fields_left_out = left_out }
  return table.concat(texts, "; "), details
end

local PATH_CONFLICT = "^The binding value .* of the field ([%w_%.]+) is conflicting with the value"

-- A message for people, and where the field is known a list of one {field, message}.
function refusals.explain(text)
  local unknown = text:match('^Could not find field "([^"]*)" in the type')
  if unknown then return of_field(unknown, "is not a query parameter of this path") end
  local bound = text:match(PATH_CONFLICT)
  if bound then return of_field(bound, "in the body differs from the one in the path") end
  if text:find("Root element must be a message", 1, true) then
    return "the body must be a JSON object"
  end
  local nested = text:match("^(.-): Proto field is not repeating, cannot start list%.$")
  -- Only the message around the field is known.
  if nested == "" then return "a field must not be a list" end
  if nested then return of_field(nested, "has a field that must not be a list") end
  local repeated = text:match("^(.-): Repeated map key: ")
  -- The path goes on in terms of the Struct; its keys are the client's own and may be personal.
  if repeated then
    return of_field((repeated:gsub("%.fields%[.*", "")), "has a key more than once")
  end
  local message, fields = of_value(text)
  if message then return message, fields end
  if text:find("^Message too deep") then return "the body is nested too deeply" end
  local syntax = SYNTAX[text:match("^[^\n]*")]
  return "the body is not valid JSON" .. (syntax and ": " .. syntax or "")
end

return refusals
