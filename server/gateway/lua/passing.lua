-- Passes the JSON of a request on, as far as the transcoder may read it.
local bodies = require("bodies")
local errors = require("errors")
local held = require("held")
local notes = require("notes")

-- Bytes of a body for which there is always room.
local SMALL = 65536

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
local function refusal_of(reader, operation)
  if reader.has_failed then return { status = 500, body = errors.body("internal") } end
  if reader.is_too_large then return { status = 413, body = errors.body("payload_too_large") } end
  if reader.has_no_room then return { status = 503, body = errors.body("unavailable") } end
  if reader.has_long_word then
    local body = errors.body("malformed_request", "a number is longer than 400 characters")
    return { status = operation.invalid_argument, body = body }
  end
  if not reader.problems[1] then return nil end
  return { status = operation.invalid_argument, body = errors.refusal(reader.problems) }
end

-- Whether `length` more bytes, of `total`, may be passed on. Small bodies are not counted: there is
-- always room for them.
local function is_taken(reader, length, total, limit)
  if total > limit then
    reader.is_too_large = true
  elseif total > SMALL and not reader.has_no_room then
    local bytes = reader.claim and length or total
    reader.claim = reader.claim or held.claim()
    reader.has_no_room = not held.add(reader.claim, bytes)
  end
  return not (reader.is_too_large or reader.has_no_room)
end

-- Passes on what the transcoder may read. It answers an incomplete body, and the response step then
-- says why it was.
return function(handle, operation, limit)
  local reader, total = bodies.reader(operation.request), 0
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    total = total + length
    if not is_taken(reader, length, total, limit) then
      chunk:setBytes(bodies.cut(reader))
    elseif length > 0 then
      local text = chunk:getBytes(0, length)
      local passed = readable(reader, text)
      if passed ~= text then chunk:setBytes(passed) end
    end
    local refusal = refusal_of(reader, operation)
    if refusal then notes.set(handle, "refusal", refusal) end
  end
  if reader.claim then held.give_back(reader.claim) end
end
