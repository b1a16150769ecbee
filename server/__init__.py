"""The Carillon service: API, commands, dispatcher, channels and gateway."""
