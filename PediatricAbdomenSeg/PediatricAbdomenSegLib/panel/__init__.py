"""The panel: Qt only, thin; MRML is the scene's business and computing is the engine's."""
