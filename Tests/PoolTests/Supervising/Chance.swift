@_exported import Seeded

/// In a simulation, chance is what its seed says.
typealias Chance = SeededGenerator
