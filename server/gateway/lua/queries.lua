-- Finds what the transcoder would drop in silence, or take instead of the path, in the query of a
-- request.
local fields = require("fields")
local percent = require("percent")
local refusals = require("refusals")

local queries = {}

local function problem_with(operation, field, part, is_given)
  -- With a body, everything that is not in the path is in the body.
  if not field or operation.takes_body then return refusals.UNKNOWN_PARAMETER end
  if operation.path:find("{" .. field.name .. "}", 1, true) then return refusals.IN_PATH end
  if not part:find("=", 1, true) then return refusals.NO_VALUE end
  if not percent.is_sound(part) then return refusals.ENCODING end
  if is_given and not field.is_list then return refusals.GIVEN_TWICE end
  return nil
end

-- The problems of the query in `path`, a list of {field, message}.
function queries.problems(path, operation)
  local problems, given = {}, {}
  for part in (path:match("%?(.*)") or ""):gmatch("[^&]+") do
    local name = percent.decode(part:match("^[^=]*"))
    local field = fields[operation.request][name]
    local problem = problem_with(operation, field, part, field and given[field])
    if problem then refusals.add(problems, "", field and field.name or name, problem) end
    if field then given[field] = true end
  end
  return problems
end

-- The path with those parameters of its query alone that the operation has: others on the way of a
-- link add their own.
function queries.own(path, operation)
  local bare, kept, given = path:match("^[^?]*"), {}, {}
  for part in (path:match("%?(.*)") or ""):gmatch("[^&]+") do
    local field = fields[operation.request][percent.decode(part:match("^[^=]*"))]
    if not problem_with(operation, field, part, field and given[field]) then
      kept[#kept + 1] = part
      given[field] = true
    end
  end
  return kept[1] and bare .. "?" .. table.concat(kept, "&") or bare
end

return queries
