-- Reads the JSON of a request while it flows through, and finds what the transcoder would drop in
-- silence: fields that a message does not have, and all but the last value of a field that is given
-- twice. A body of any size is read once, in the pieces it comes in, and nothing of it is kept.
--
-- Keys of free objects (Struct, map) are the client's own. Words, numbers and types are the
-- transcoder's to judge, but what it reads although it is not JSON (a key without quotes, a comma
-- before a bracket) is not passed on: it could hide a field.
local fields = require("fields")
local json = require("json")
local refusals = require("refusals")

local byte, find, sub = string.byte, string.find, string.sub

local bodies = {}

-- What may come next. ITEM and MEMBER are VALUE and KEY right after an opening bracket: there may
-- be none.
local VALUE, ITEM, KEY, MEMBER, COLON, AFTER = 1, 2, 3, 4, 5, 6
-- As deep as the transcoder reads: it refuses the bracket that opens one level more.
local MAX_DEPTH = 100
-- In bytes. What is longer is no name of a field, even if all of it is written as \u escapes.
local MAX_KEY = 512
-- In bytes. No number needs as many, and the transcoder reads one anew with each piece of it that
-- comes: sixteen million digits would hold it for ten seconds.
local MAX_WORD = 400
-- Outside of a string no JSON has this byte, and a string that ends with the body is none: the
-- transcoder refuses both.
bodies.NOT_JSON = "\1"
-- What the transcoder refuses at once wherever it is, in a string too: one quote ends that, two if
-- the first is escaped.
local NO_BODY = '""\1\1\1\1'

local IS_SPACE, IS_WORD = {}, {}
for code = 0, 255 do
  IS_SPACE[code] = find(string.char(code), "[ \t\r\n]") ~= nil
  IS_WORD[code] = find(string.char(code), "[%w+.-]") ~= nil
end

-- A reader of one body, the JSON of a `request`.
function bodies.reader(request)
  return {
    -- What comes next, and the fields that it has if it is an object (nil: it is free).
    expected = VALUE, within = fields[request],
    -- What is open, outermost first: whether it is a list, the fields of it or of its items, the
    -- field or item it is at.
    depth = 0, is_list = {}, fields = {}, at_name = {}, at_item = {},
    -- Objects are numbered: `given` tells by it the fields of this one from those of the one
    -- before.
    objects = 0, number = {}, given = {},
    -- The token that the last piece broke off in ("string", "word"), and of a key that counts what
    -- was read of it.
    inside = nil, escaped = false, key = nil,
    -- Bytes of the word so far, and whether they were too many.
    word = 0, has_long_word = false,
    -- Position in this piece from which nothing is passed on, and whether it has come to that.
    cut_at = nil, is_cut = false, is_broken = false,
    problems = {},
  }
end

local function cut_at(reader, at)
  reader.cut_at = reader.cut_at or at
end

-- What follows is not read any more.
local function give_up(reader, at)
  cut_at(reader, at)
  reader.is_broken = true
  return nil
end

-- The path to the object that is open, as the beginning of a field's.
local function parent(reader)
  local path = ""
  for level = 1, reader.depth - 1 do
    if reader.is_list[level] then
      path = path .. "[" .. reader.at_item[level] .. "]"
    else
      path = path .. (path == "" and "" or ".") .. reader.at_name[level]
    end
  end
  return path == "" and "" or path .. "."
end

local function enter_field(reader, field)
  local level = reader.depth
  local given, number = reader.given[level], reader.number[level]
  reader.at_name[level], reader.within = field.name, field.within
  local is_first = given[field.id] ~= number
  given[field.id] = number
  return is_first
end

-- The key `name` as it is written, with the quote that opened it at `at` or in an earlier piece.
local function take_key(reader, name, at)
  local known = reader.fields[reader.depth]
  local field = known[name]
  if not field and #name <= MAX_KEY and find(name, "\\", 1, true) then
    name = json.decode('"' .. name .. '"')
    if not name then return give_up(reader, at) end
    field = known[name]
  end
  if not field then
    reader.within = nil
    cut_at(reader, at)
    refusals.add(reader.problems, parent(reader), name, refusals.UNKNOWN_FIELD)
  elseif not enter_field(reader, field) then
    cut_at(reader, at)
    refusals.add(reader.problems, parent(reader), field.name, refusals.GIVEN_TWICE)
  end
  return true
end

-- As string_end, where `mark` is the first quote, if there is one.
local function escaped_string_end(text, at, mark)
  while true do
    local last = (mark or #text + 1) - 1
    local back = last
    while back >= at and byte(text, back) == 92 do back = back - 1 end
    local is_escaped = (last - back) % 2 == 1
    if not mark then return nil, is_escaped end
    if not is_escaped then return mark end
    at = mark + 1
    mark = find(text, '"', at, true)
  end
end

-- Position of the quote that ends the string of which `text` has the rest from `at`. Nil when it
-- has not, and whether the byte that comes next is escaped.
local function string_end(text, at)
  local mark = find(text, '"', at, true)
  -- Without a loop in it, what most strings take is compiled as one piece.
  if mark and byte(text, mark - 1) ~= 92 then return mark end
  return escaped_string_end(text, at, mark)
end

-- Reads on in a string from `at`; it was opened by the quote at `opened`, if that is in this piece.
local function read_string(reader, text, at, opened)
  local mark, is_escaped = string_end(text, at)
  local key = reader.key
  if key then
    local part = sub(text, at, mark and mark - 1)
    -- Of one in many pieces no more is kept than shows that it is too long.
    key = key == "" and part or sub(key .. part, 1, MAX_KEY + 1)
  end
  if not mark then
    reader.inside, reader.escaped, reader.key = "string", is_escaped, key
    return #text + 1
  end
  reader.inside, reader.key = nil, nil
  if key and not take_key(reader, key, opened) then return nil end
  return mark + 1
end

local function read_word(reader, text, first)
  local at = first
  while IS_WORD[byte(text, at)] do at = at + 1 end
  reader.inside, reader.word = at > #text and "word" or nil, reader.word + at - first
  if reader.word <= MAX_WORD then return at end
  reader.has_long_word = true
  return give_up(reader, first)
end

local TOKENS = {}

TOKENS['"'] = function(reader, text, at)
  local expected = reader.expected
  if expected == VALUE or expected == ITEM then
    reader.expected = AFTER
  elseif expected == KEY or expected == MEMBER then
    reader.expected = COLON
    reader.key = reader.fields[reader.depth] and "" or nil
  else
    return give_up(reader, at)
  end
  return read_string(reader, text, at + 1, at)
end

TOKENS[":"] = function(reader, _, at)
  if reader.expected ~= COLON then return give_up(reader, at) end
  reader.expected = VALUE
  return at + 1
end

TOKENS[","] = function(reader, _, at)
  local level = reader.depth
  if reader.expected ~= AFTER or level == 0 then return give_up(reader, at) end
  if reader.is_list[level] then
    reader.expected, reader.within = VALUE, reader.fields[level]
    reader.at_item[level] = reader.at_item[level] + 1
  else
    reader.expected = KEY
  end
  return at + 1
end

local function open(reader, at, is_list)
  if reader.expected ~= VALUE and reader.expected ~= ITEM then return give_up(reader, at) end
  local level = reader.depth + 1
  if level > MAX_DEPTH then return give_up(reader, at + 1) end
  reader.depth, reader.is_list[level], reader.fields[level] = level, is_list, reader.within
  if is_list then
    reader.expected, reader.at_item[level] = ITEM, 0
  else
    reader.expected, reader.objects = MEMBER, reader.objects + 1
    reader.number[level], reader.given[level] = reader.objects, reader.given[level] or {}
  end
  return at + 1
end

local function close(reader, at, is_list)
  local level, expected = reader.depth, reader.expected
  local is_complete = expected == AFTER or expected == (is_list and ITEM or MEMBER)
  if not is_complete or level == 0 or reader.is_list[level] ~= is_list then
    return give_up(reader, at)
  end
  reader.depth, reader.expected = level - 1, AFTER
  return at + 1
end

TOKENS["{"] = function(reader, _, at) return open(reader, at, false) end
TOKENS["["] = function(reader, _, at) return open(reader, at, true) end
TOKENS["}"] = function(reader, _, at) return close(reader, at, false) end
TOKENS["]"] = function(reader, _, at) return close(reader, at, true) end

local function take_word(reader, text, at)
  local expected = reader.expected
  if (expected ~= VALUE and expected ~= ITEM) or not IS_WORD[byte(text, at)] then
    return give_up(reader, at)
  end
  reader.expected, reader.word = AFTER, 0
  return read_word(reader, text, at)
end

local HANDLERS = {}
for code = 0, 255 do HANDLERS[code] = TOKENS[string.char(code)] or take_word end

-- Where the token ends that the last piece broke off in.
local function resume(reader, text)
  if reader.inside == "word" then return read_word(reader, text, 1) end
  if reader.inside == nil then return 1 end
  if not reader.escaped then return read_string(reader, text, 1, 1) end
  -- The first byte belongs to the backslash before it.
  if reader.key then reader.key = reader.key .. sub(text, 1, 1) end
  return read_string(reader, text, 2, 1)
end

local function scan(reader, text)
  local at = resume(reader, text)
  while at do
    local code = byte(text, at)
    if code == nil then return end
    at = IS_SPACE[code] and at + 1 or HANDLERS[code](reader, text, at)
  end
end

-- What is to be passed on in place of a piece that is not read any more.
function bodies.cut(reader)
  if reader.is_cut then return "" end
  reader.is_cut = true
  return NO_BODY
end

-- Reads the next piece, which is not empty, and returns what of it is to be passed on.
function bodies.read(reader, text)
  reader.cut_at = nil
  if not reader.is_broken then scan(reader, text) end
  if reader.is_cut then return "" end
  if not reader.cut_at then return text end
  reader.is_cut = true
  return sub(text, 1, reader.cut_at - 1) .. bodies.NOT_JSON
end

return bodies
