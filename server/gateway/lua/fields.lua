-- The fields of every message a request can hold, by each of the names that JSON and queries may
-- call them.
local contract = require("rest_contract")

-- Of a field `name`, `is_list`, an `id` of its own in the message, and `within`: the fields of one
-- that is a message itself.
local fields = {}
for message in pairs(contract.requests) do fields[message] = {} end
for message, list in pairs(contract.requests) do
  for id, field in ipairs(list) do
    local known = { id = id, name = field[1], is_list = field.list, within = fields[field.message] }
    fields[message][field[1]] = known
    fields[message][field.json or field[1]] = known
  end
end

return fields
