-- A small JSON reader and writer, and the scanning that both it and nulls.lua need.
-- `json.null` stands for null; a list is a table whose metatable is `json.List`.
local json = { null = {}, List = {} }

function json.is_list(value)
  return getmetatable(value) == json.List
end

local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

-- Position of the first character at or after `at` that is not white space.
function json.skip_space(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

-- Position after the string whose opening quote is at `at`.
function json.string_end(text, at)
  local next_at = at + 1
  while true do
    local mark = text:find('["\\]', next_at) or error("unfinished string")
    if text:byte(mark) == 34 then return mark + 1 end
    next_at = mark + 2
  end
end

-- Position after the object or list that opens at `at`; not recursive, so depth is no limit.
local function nested_end(text, at)
  local depth, next_at = 0, at
  repeat
    local mark = text:find('["%[%]{}]', next_at) or error("unfinished value")
    local character = text:sub(mark, mark)
    next_at = mark + 1
    if character == '"' then
      next_at = json.string_end(text, mark)
    elseif character == "{" or character == "[" then
      depth = depth + 1
    else
      depth = depth - 1
    end
  until depth == 0
  return next_at
end

-- Position after the value that starts at `at`.
function json.value_end(text, at)
  local character = text:sub(at, at)
  if character == '"' then return json.string_end(text, at) end
  if character == "{" or character == "[" then return nested_end(text, at) end
  return text:find("[,%]} \t\r\n]", at) or #text + 1
end

local function utf8_bytes(code)
  if code < 0x80 then return string.char(code) end
  local last = 0x80 + code % 64
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 64), last) end
  local before_last = 0x80 + math.floor(code / 64) % 64
  if code < 0x10000 then return string.char(0xE0 + math.floor(code / 4096), before_last, last) end
  local second = 0x80 + math.floor(code / 4096) % 64
  return string.char(0xF0 + math.floor(code / 262144), second, before_last, last)
end

-- A character beyond U+FFFF is written as two \u escapes, which first become three bytes each.
local function join_surrogates(high, low)
  local _, high_1, high_2 = high:byte(1, 3)
  local _, low_1, low_2 = low:byte(1, 3)
  local upper = (high_1 - 0xA0) * 64 + high_2 - 0x80
  local lower = (low_1 - 0xB0) * 64 + low_2 - 0x80
  return utf8_bytes(0x10000 + upper * 0x400 + lower)
end

local function unescape(quoted)
  local plain = quoted:gsub("\\(.)(%x?%x?%x?%x?)", function(character, digits)
    if character == "u" and #digits == 4 then return utf8_bytes(tonumber(digits, 16)) end
    return (ESCAPES[character] or error("unknown escape")) .. digits
  end)
  return (plain:gsub("(\237[\160-\175][\128-\191])(\237[\176-\191][\128-\191])", join_surrogates))
end

local decode_value

local function decode_members(text, at, close, add)
  at = json.skip_space(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = json.skip_space(text, add(at))
    local mark = text:sub(at, at)
    if mark == close then return at + 1 end
    if mark ~= "," then error("expected , or " .. close) end
    at = json.skip_space(text, at + 1)
  end
end

local function decode_object(text, at)
  local object = {}
  local next_at = decode_members(text, at, "}", function(key_at)
    local after_key = json.string_end(text, key_at)
    local colon = json.skip_space(text, after_key)
    if text:sub(key_at, key_at) ~= '"' or text:sub(colon, colon) ~= ":" then
      error("expected a key")
    end
    local value, after = decode_value(text, json.skip_space(text, colon + 1))
    object[unescape(text:sub(key_at + 1, after_key - 2))] = value
    return after
  end)
  return object, next_at
end

local function decode_list(text, at)
  local list = setmetatable({}, json.List)
  local next_at = decode_members(text, at, "]", function(item_at)
    local value, after = decode_value(text, item_at)
    list[#list + 1] = value
    return after
  end)
  return list, next_at
end

function decode_value(text, at)
  local character = text:sub(at, at)
  if character == "{" then return decode_object(text, at) end
  if character == "[" then return decode_list(text, at) end
  local after = json.value_end(text, at)
  local word = text:sub(at, after - 1)
  if character == '"' then return unescape(word:sub(2, -2)), after end
  if word == "true" then return true, after end
  if word == "false" then return false, after end
  if word == "null" then return json.null, after end
  return tonumber(word) or error("unknown word"), after
end

-- The value that `text` holds, or nil when it is not JSON. Of two equal keys the last counts.
function json.decode(text)
  local ok, value = pcall(decode_value, text, json.skip_space(text, 1))
  if ok then return value end
  return nil
end

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(character)
    if character == '"' or character == "\\" then return "\\" .. character end
    return string.format("\\u%04x", character:byte())
  end) .. '"'
end

-- `value` as JSON: a string, a list, or an object (keys in order of the alphabet).
function json.encode(value)
  if type(value) == "string" then return quote(value) end
  local parts = {}
  if json.is_list(value) then
    for index, item in ipairs(value) do parts[index] = json.encode(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for index, key in ipairs(keys) do parts[index] = quote(key) .. ":" .. json.encode(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

return json
