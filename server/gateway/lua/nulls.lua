-- Puts the explicit nulls into an answer: the transcoder leaves out what a message does not have,
-- the contract wants the key with null.
--
-- Values are copied as they stand, so numbers keep their digits. Fields come out in the order of
-- the descriptor.
local contract = require("rest_contract")
local json = require("json")

local nulls = {}
local fill_value

local function read_members(text, at, fields_by_name, values, unknown)
  at = json.skip_space(text, at + 1)
  while text:sub(at, at) ~= "}" do
    local after_key = json.string_end(text, at)
    local key = text:sub(at + 1, after_key - 2)
    local value_at = json.skip_space(text, json.skip_space(text, after_key) + 1)
    local field = fields_by_name[key]
    local value, after = fill_value(text, value_at, field and field.message)
    if field then
      values[key] = value
    else
      unknown[#unknown + 1] = '"' .. key .. '":' .. value
    end
    at = json.skip_space(text, after)
    if text:sub(at, at) == "," then at = json.skip_space(text, at + 1) end
  end
  return at + 1
end

local function fill_object(text, at, message)
  local fields, values, members = contract.messages[message], {}, {}
  local unknown = {}
  local after = read_members(text, at, nulls.by_name[message], values, unknown)
  for _, field in ipairs(fields) do
    local value = values[field[1]] or (field.nullable and "null")
    if value then members[#members + 1] = '"' .. field[1] .. '":' .. value end
  end
  for _, member in ipairs(unknown) do members[#members + 1] = member end
  return "{" .. table.concat(members, ",") .. "}", after
end

local function fill_list(text, at, message)
  local items = {}
  at = json.skip_space(text, at + 1)
  while text:sub(at, at) ~= "]" do
    items[#items + 1], at = fill_value(text, at, message)
    at = json.skip_space(text, at)
    if text:sub(at, at) == "," then at = json.skip_space(text, at + 1) end
  end
  return "[" .. table.concat(items, ",") .. "]", at + 1
end

function fill_value(text, at, message)
  local character = text:sub(at, at)
  if message and character == "{" then return fill_object(text, at, message) end
  if message and character == "[" then return fill_list(text, at, message) end
  local after = json.value_end(text, at)
  return text:sub(at, after - 1), after
end

-- `text`, the JSON of one `message`, with its nulls.
function nulls.fill(text, message)
  return (fill_value(text, json.skip_space(text, 1), message))
end

-- `text`, one or more whole server-sent events that carry a `message` each, with their nulls.
function nulls.fill_events(text, message)
  return (text:gsub("data: ([^\n]*)", function(data)
    return "data: " .. nulls.fill(data, message)
  end))
end

nulls.by_name = {}
for message, fields in pairs(contract.messages) do
  nulls.by_name[message] = {}
  for _, field in ipairs(fields) do nulls.by_name[message][field[1]] = field end
end

return nulls
