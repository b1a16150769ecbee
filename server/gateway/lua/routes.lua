-- Finds the operation that an HTTP method and path mean, as the transcoder does: a literal segment
-- wins over a variable one.
local contract = require("rest_contract")

-- By the name of its method, each operation; methods of gRPC itself have none.
local routes = { by_rpc = {} }
local root = { literal = {}, verbs = {} }

local function segments_of(path)
  local segments = {}
  for segment in path:gmatch("/([^/]*)") do segments[#segments + 1] = segment end
  return segments
end

local function add(index, operation)
  local node = root
  for _, segment in ipairs(segments_of(operation.path)) do
    local next_node
    if segment:sub(1, 1) == "{" then
      next_node = node.variable or { literal = {}, verbs = {} }
      node.variable = next_node
    else
      next_node = node.literal[segment] or { literal = {}, verbs = {} }
      node.literal[segment] = next_node
    end
    node = next_node
  end
  node.verbs[operation.verb] = index
  -- A stream has no end, and its headers come with what is first in it.
  if operation.verb == "GET" and not operation.streams then node.verbs.HEAD = index end
end

local function collect(node, segments, depth, found)
  local segment = segments[depth]
  if segment == nil then
    for verb, index in pairs(node.verbs) do found[verb] = found[verb] or index end
    return
  end
  if node.literal[segment] then collect(node.literal[segment], segments, depth + 1, found) end
  if node.variable and segment ~= "" then collect(node.variable, segments, depth + 1, found) end
end

-- Index of the operation in the contract, or nil and the methods the path has (`GET, PUT`; nil when
-- there is no such path).
function routes.find(verb, path)
  local found, verbs = {}, {}
  collect(root, segments_of((path:gsub("%?.*", ""))), 1, found)
  if found[verb] then return found[verb] end
  for known in pairs(found) do verbs[#verbs + 1] = known end
  table.sort(verbs)
  return nil, verbs[1] and table.concat(verbs, ", ")
end

for index, operation in ipairs(contract.operations) do
  routes.by_rpc[operation.rpc] = operation
  add(index, operation)
end

return routes
